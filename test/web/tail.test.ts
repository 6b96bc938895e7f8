import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";
import { assertAccessibleInBothThemes, openPage, skip, startBrowser } from "./browser.ts";
import { push } from "./log-data.ts";

let skald: SkaldProcess;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  skald = await startSkald();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

const address = (query: string) =>
  `${skald.url}/#/live?${new URLSearchParams({ q: query }).toString()}`;
const lines = (page: Page) => page.getByRole("region", { name: "Lines", exact: true });
const counter = (page: Page, name: string) =>
  page.getByLabel("Counters").locator("div").filter({ hasText: name }).locator("dd");

let last = 0;
/** Numbers go on from call to call. */
async function send(app: string, count: number, url = skald.url): Promise<void> {
  const numbers = Array.from({ length: count }, () => ++last);
  const nowMs = Date.now();
  await push(
    url,
    { app },
    numbers.map((number) => ({ timeMs: nowMs, line: `level=info line ${number}` })),
  );
}

test("what was there comes first, then lines as they arrive, with marks", { skip }, async () => {
  await send("a", 3);
  await using opened = await openPage(browser, address('{app="a"} |= "line"'));
  const { page } = opened;
  await lines(page).getByText(`line ${last}`, { exact: false }).first().waitFor();
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await send("a", 2);
  await lines(page).locator("li").nth(4).waitFor();
  assert.equal(await lines(page).locator("li").count(), 5);
  assert.equal(await lines(page).locator("mark").first().innerText(), "line");
  assert.equal(await counter(page, "Received").innerText(), "5");
  await assertAccessibleInBothThemes(page);
});

test("paused nothing moves, what came is there when it goes on", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="b"}'));
  const { page } = opened;
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await send("b", 1);
  await lines(page).locator("li").first().waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await send("b", 4);
  await page.getByText("Paused, 4 waiting").waitFor();
  assert.equal(await lines(page).locator("li").count(), 1);
  await page.getByRole("button", { name: "Go on" }).click();
  await lines(page).locator("li").nth(4).waitFor();
});

test("many lines: few rows, the newest in sight, the oldest make room", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="c"}'));
  const { page } = opened;
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  for (let turn = 0; turn < 8; turn++) await send("c", 1_000);
  await lines(page).getByText(`line ${last}`).waitFor();
  const received = await counter(page, "Received").innerText();
  assert.equal(received, "8,000");
  assert.equal(await counter(page, "Scrolled out").innerText(), "3,000");
  assert.ok((await lines(page).locator("li").count()) < 150);
  // Whoever looks back is left alone.
  await page.evaluate("document.querySelector('.tail-scroller').scrollTop = 5000");
  await page.getByRole("button", { name: "To the newest" }).waitFor();
  await send("c", 1);
  await page.waitForTimeout(400);
  assert.equal(await lines(page).getByText(`line ${last}`).count(), 0);
  await page.getByRole("button", { name: "To the newest" }).click();
  await lines(page).getByText(`line ${last}`).waitFor();
});

test("a lost connection is taken up again, without a gap and nothing twice", { skip }, async () => {
  await using own = await startSkald();
  const port = Number(new URL(own.url).port);
  await using opened = await openPage(
    browser,
    `${own.url}/#/live?${new URLSearchParams({ q: '{app="d"}' }).toString()}`,
  );
  const { page, expectError } = opened;
  expectError("ERR_CONNECTION");
  expectError("WebSocket connection");
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await send("d", 3, own.url);
  await lines(page).locator("li").nth(2).waitFor();
  const { folder } = own;
  await own.kill();
  await page.getByText("Connection lost").waitFor();
  await using again = await startSkald({ folder, port });
  await send("d", 3, again.url);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor({ timeout: 20_000 });
  await lines(page).locator("li").nth(5).waitFor();
  await send("d", 1, again.url);
  await lines(page).locator("li").nth(6).waitFor();
  const texts = await lines(page).locator("li .text").allInnerTexts();
  assert.equal(new Set(texts).size, 7);
  assert.equal(texts.length, 7);
});

test("a query that is wrong is refused with the server's words", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="a"} | logfmt | nonsense ='));
  const { page, expectError } = opened;
  expectError("WebSocket connection");
  expectError("400 (Bad Request)");
  await page.getByRole("alert").getByText("parse error").waitFor();
});

test("the tenant of the address is the tenant that is followed", { skip }, async () => {
  const config = `
auth_enabled: true
server: {http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: \${DATA}}
`;
  await using apart = await startSkald({ config });
  const line = { timeMs: Date.now(), line: "only for team-a" };
  await push(apart.url, { app: "a" }, [line], { "X-Scope-OrgID": "team-a" });
  const hash = `#/live?${new URLSearchParams({ q: '{app="a"}', tenant: "team-a" }).toString()}`;
  await using opened = await openPage(browser, `${apart.url}/${hash}`);
  await lines(opened.page).getByText("only for team-a").waitFor();
});

test("t goes from Explore to Live and back, the unfolded line filters", { skip }, async () => {
  await send("e", 2);
  const query = new URLSearchParams({ q: '{app="e"}' });
  await using opened = await openPage(browser, `${skald.url}/#/explore?${query.toString()}`);
  const { page } = opened;
  await lines(page).getByText(`line ${last}`).waitFor();
  await page.keyboard.press("t");
  await page.waitForURL(/#\/live/);
  await lines(page).locator(".line-fold").first().click();
  await page.getByRole("button", { name: "Only lines with this detected_level" }).click();
  await page.waitForURL(/detected_level/);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await lines(page).getByText(`line ${last}`).waitFor();
});
