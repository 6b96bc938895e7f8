import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";
import {
  assertAccessible,
  assertAccessibleInBothThemes,
  openPage,
  skip,
  startBrowser,
} from "./browser.ts";
import { push, pushShop } from "./log-data.ts";

let skald: SkaldProcess;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  skald = await startSkald();
  browser = await startBrowser();
  await pushShop(skald.url, 60, 600_000);
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

test("the page opens, its views are links, the address leads back", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/overview`);
  const { page } = opened;
  await page.getByRole("link", { name: "shop", exact: true }).first().click();
  await page.getByText("order 60 paid").first().waitFor();
  assert.match(page.url(), /#\/explore\?q=/);
  await page.goBack();
  assert.match(page.url(), /#\/overview/);
  await page.getByRole("link", { name: "Status" }).click();
  await page.locator('nav [aria-current="page"]', { hasText: "Status" }).waitFor();
  assert.equal(await page.title(), "Status · Skald");
});

test("the theme follows the system, until one is chosen, and stays", { skip }, async () => {
  await using opened = await openPage(browser, skald.url, { colorScheme: "light" });
  const { page } = opened;
  const shows = (theme: string) => page.locator(`html[data-theme="${theme}"]`).waitFor();
  await page.getByRole("banner").waitFor();
  await shows("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await shows("dark");
  await page.getByRole("button", { name: /^Theme/ }).click();
  await page.getByRole("button", { name: /^Theme/ }).click();
  await shows("light");
  await page.reload();
  await page.getByRole("banner").waitFor();
  await shows("light");
});

test("keys: ? lists them, g o goes to the overview, / writes", { skip }, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  await page.getByRole("heading", { name: "Where to begin" }).waitFor();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.getByText("Run the query", { exact: true }).waitFor();
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  await page.keyboard.press("/");
  await page.keyboard.type("go");
  assert.match(await page.getByRole("textbox", { name: "LogQL query" }).innerText(), /go/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await page.waitForURL(/#\/overview/);
});

const query = encodeURIComponent('{app="shop"}');
const metric = encodeURIComponent('sum by (app) (rate({app=~".+"}[1m]))');
const views = [
  ["where to begin", "", "Where to begin"],
  ["lines, labels", `#/explore?q=${query}&panel=labels`, "60 lines"],
  ["history", "#/explore?panel=history", "History"],
  ["numbers, explain", `#/explore?q=${metric}&panel=explain`, "2 series"],
  ["overview", "#/overview", "shop"],
  ["status", "#/status", "Status"],
] as const;

for (const [name, hash, text] of views) {
  test(`${name}: accessible, dark and light`, { skip }, async () => {
    await using opened = await openPage(browser, `${skald.url}/${hash}`);
    await opened.page.getByText(text).first().waitFor();
    await assertAccessibleInBothThemes(opened.page);
  });
}

test("on a phone nothing is wider than the screen", { skip }, async () => {
  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  await using opened = await openPage(browser, skald.url, phone);
  const { page } = opened;
  for (const [, hash, text] of views) {
    await page.goto(`${skald.url}/${hash}`);
    await page.getByText(text).first().waitFor();
    const width = await page.evaluate<number>("document.scrollingElement.scrollWidth");
    const main = await page.evaluate<number>("document.querySelector('main').scrollWidth");
    assert.ok(width <= 360 && main <= 360, `${hash}: ${width}, ${main}`);
  }
  await page.goto(`${skald.url}/#/explore?q=${query}`);
  await page.getByRole("button", { name: /^Time range/ }).click();
  await page.getByRole("button", { name: "Last 15 minutes" }).click();
  await page.getByText("order 60 paid").first().waitFor();
});

test("what a log line holds is text, never markup", { skip }, async () => {
  const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
  const label = '"><script>alert(3)</script>';
  await push(skald.url, { app: "evil", name: label }, [{ timeMs: Date.now(), line: evil }]);
  const hash = `#/explore?q=${encodeURIComponent('{app="evil"}')}&panel=labels`;
  await using opened = await openPage(browser, `${skald.url}/${hash}`);
  const { page } = opened;
  let dialogs = 0;
  page.on("dialog", (dialog) => {
    dialogs++;
    void dialog.dismiss();
  });
  await page.getByText(evil).first().waitFor();
  const panel = page.getByRole("region", { name: "Label browser" });
  await panel.getByRole("button", { name: /^name / }).click();
  await panel.getByText(label).waitFor();
  assert.equal(await page.locator("img[src=x]").count(), 0);
  assert.equal(dialogs, 0);
});

test("with tenants apart the page asks whose logs to show", { skip }, async () => {
  const config = `
auth_enabled: true
server: {http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: \${DATA}}
`;
  await using apart = await startSkald({ config });
  const line = { timeMs: Date.now(), line: "only for team-a" };
  await push(apart.url, { app: "a" }, [line], { "X-Scope-OrgID": "team-a" });
  await using opened = await openPage(browser, apart.url);
  const { page, expectError } = opened;
  expectError("401 (Unauthorized)");
  await page.getByRole("heading", { name: "Whose logs?" }).waitFor();
  await page.getByLabel("Tenant").fill("team-a");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "a", exact: true }).click();
  await page.getByText("only for team-a").waitFor();
  assert.match(page.url(), /tenant=team-a/);
  await page.getByRole("link", { name: "Overview" }).click();
  await page.waitForURL(/overview.*tenant=team-a/);
});

test("behind a prefix the page finds its server", { skip }, async () => {
  const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, http_path_prefix: /logs}
common: {path_prefix: \${DATA}}
`;
  await using behind = await startSkald({ config, pathPrefix: "/logs" });
  await pushShop(behind.url, 12, 60_000);
  await using opened = await openPage(browser, `${behind.url}/#/explore?q=${query}`);
  await opened.page.getByText("order 12 paid").first().waitFor();
});

test("the policy lets the page talk to its own server, also by websocket, to no other", {
  skip,
}, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  opened.expectError("Content Security Policy");
  opened.expectError("violates the document");
  const path = `/loki/api/v1/tail?query=${query}`;
  const opens = await page.evaluate<boolean>(`new Promise((resolve) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "${path}");
    socket.onopen = () => { socket.close(); resolve(true); };
    socket.onerror = () => resolve(false);
  })`);
  assert.equal(opens, true);
  const other = "http://127.0.0.2:9/";
  const leaks = await page.evaluate<boolean>(
    `fetch("${other}", { mode: "no-cors" }).then(() => true, () => false)`,
  );
  assert.equal(leaks, false);
});
