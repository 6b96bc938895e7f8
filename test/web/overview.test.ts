import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";
import { assertAccessibleInBothThemes, openPage, skip, startBrowser } from "./browser.ts";
import { push, pushShop } from "./log-data.ts";

let skald: SkaldProcess;
let browser: Browser;

const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

before(async () => {
  if (skip !== false) return;
  skald = await startSkald();
  browser = await startBrowser();
  await pushShop(skald.url, 600, 1_800_000);
  const timeMs = Date.now() - 1_000;
  await push(skald.url, { app: "evil", service_name: evil, name: evil }, [
    {
      timeMs,
      line: JSON.stringify({ level: "error", [evil]: evil, msg: evil }),
      metadata: { x: evil },
    },
    ...[1, 2, 3, 4].map((number) => ({ timeMs, line: `<i>learned</i> from evil ${number}` })),
  ]);
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

const parameters = (page: Page) => new URLSearchParams(page.url().split("?")[1]);

test("services by volume, with levels; the search box finds them", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/overview`);
  const { page } = opened;
  const table = page.getByRole("region", { name: "Services by volume" });
  await table.getByRole("row", { name: /^shop/ }).waitFor();
  assert.match(await table.getByRole("row").nth(1).innerText(), /^shop/);
  await page.getByRole("img", { name: /Lines of shop by level: error 100, warn 100/ }).waitFor();
  assert.match(await table.getByRole("row", { name: /^shop/ }).innerText(), /600\s+100/);
  await page.keyboard.press("/");
  await page.keyboard.type("prob");
  await table.getByRole("row", { name: /^shop/ }).waitFor({ state: "detached" });
  assert.equal(parameters(page).get("find"), "prob");
  await page.getByRole("searchbox").fill("none of these");
  await page.getByText("No service has this name.").waitFor();
});

test("errors of a service are a click away", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/overview`);
  const { page } = opened;
  await page.getByRole("link", { name: "100 errors of shop" }).click();
  await page.waitForURL(/explore/);
  await page.getByRole("heading", { name: "100 lines" }).waitFor();
});

test("patterns, fields and labels of a service lead to its lines", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/overview`);
  const { page } = opened;
  await page.getByRole("link", { name: "Patterns and fields of shop" }).click();
  await page.getByRole("heading", { name: "shop", exact: true }).waitFor();
  const fields = page.getByRole("region", { name: "Fields" });
  await fields.getByRole("button", { name: /took/ }).click();
  await fields.getByRole("link", { name: "89ms" }).waitFor();
  const labels = page.getByRole("region", { name: "Labels" });
  await labels.getByRole("button", { name: /env/ }).click();
  await labels.getByRole("link", { name: "prod" }).waitFor();
  await page.getByRole("link", { name: /^warn/ }).waitFor();
  const patterns = page.getByRole("region", { name: "Patterns" });
  await patterns.getByRole("link", { name: /level=info/ }).click();
  await page.getByRole("heading", { name: "300 lines" }).waitFor();
  assert.match(parameters(page).get("q") ?? "", /^\{service_name="shop"\} \|> "/);
  await page.goBack();
  await fields.getByRole("link", { name: /^Lines with trace_id/ }).click();
  await page.getByRole("heading", { name: "600 lines" }).waitFor();
});

test("nothing that was logged is markup, in no view", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/overview`);
  const { page, expectError } = opened;
  expectError("400 (Bad Request)");
  expectError("WebSocket connection");
  let dialogs = 0;
  page.on("dialog", (dialog) => {
    dialogs++;
    void dialog.dismiss();
  });
  const table = page.getByRole("region", { name: "Services by volume" });
  await table.getByText(evil, { exact: true }).waitFor();
  await page.getByRole("link", { name: `Patterns and fields of ${evil}` }).click();
  await page.getByRole("heading", { name: evil }).waitFor();
  await page.getByRole("region", { name: "Patterns" }).getByText("from evil").first().waitFor();
  await page.getByRole("button", { name: /name/ }).first().click();
  await page.getByRole("link", { name: "Explore" }).nth(1).click();
  const lines = page.getByRole("region", { name: "Lines", exact: true });
  await lines.locator("li").filter({ hasText: "onerror" }).locator(".line-fold").click();
  await page
    .getByRole("region", { name: /^Fields in the line/ })
    .getByText(evil)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Values of msg" }).click();
  await page.getByRole("button", { name: "JSON", exact: true }).click();
  await page.getByRole("button", { name: "Context" }).click();
  await page.getByRole("dialog").getByText("<script>").first().waitFor();
  await page.keyboard.press("Escape");
  for (const view of ["explore", "live"]) {
    await page.goto(`${skald.url}/#/${view}?${new URLSearchParams({ q: `{${evil}}` }).toString()}`);
    await page.getByRole("alert").first().waitFor();
  }
  assert.equal(await page.locator("img[src=x]").count(), 0);
  assert.equal(dialogs, 0);
});

test("markup that would get in is stopped by the policy", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/overview`);
  const { page, expectError } = opened;
  expectError("Content Security Policy");
  expectError("ERR_INVALID_URL");
  let dialogs = 0;
  page.on("dialog", (dialog) => {
    dialogs++;
    void dialog.dismiss();
  });
  await page.getByRole("heading", { name: "Services" }).waitFor();
  await page.evaluate(
    `document.body.insertAdjacentHTML("beforeend", "<img src=data:image/png, onerror=alert(1)>");
     document.body.append(Object.assign(document.createElement("script"), { textContent: "alert(2)" }));`,
  );
  await page.waitForTimeout(200);
  assert.equal(dialogs, 0);
});

test("status: numbers, tenants, stores, background work, slow queries", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/status`);
  const { page } = opened;
  await page.getByText("Ready", { exact: true }).waitFor();
  await page.getByText("lines/s").waitFor({ timeout: 15_000 });
  const row = page.getByRole("region", { name: "Tenants" }).getByRole("row", { name: /^fake/ });
  assert.match(await row.innerText(), /665/);
  await page.getByRole("region", { name: "Object stores" }).getByText("answers").first().waitFor();
  await page.getByRole("region", { name: "Background work" }).getByText("merging").waitFor();
  const slow = page.getByRole("region", { name: "Slowest queries" });
  await slow
    .getByRole("link", { name: /service_name/ })
    .first()
    .waitFor();
  const disk = page.locator(".tile").filter({ hasText: "Free on disk" }).locator("b");
  assert.match(await disk.innerText(), /^\d.* [MGT]iB$/);
  await assertAccessibleInBothThemes(page);
});

test("status says when the server does not answer", { skip }, async () => {
  await using opened = await openPage(browser, "about:blank");
  const { page, expectError } = opened;
  expectError("ERR_FAILED");
  await page.route("**/metrics", (route) => route.abort());
  await page.goto(`${skald.url}/#/status`);
  await page.getByRole("alert").getByText("The server cannot be reached").waitFor();
});

test("overview of one service is accessible, dark and light", { skip }, async () => {
  await using opened = await openPage(browser, `${skald.url}/#/overview?service=shop`);
  const { page } = opened;
  await page.getByRole("region", { name: "Fields" }).getByText("took").waitFor();
  await page.getByRole("region", { name: "Patterns" }).getByRole("link").first().waitFor();
  await page.getByRole("link", { name: /^warn/ }).waitFor();
  await assertAccessibleInBothThemes(page);
});

test("on a phone no view is wider than the screen", { skip }, async () => {
  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  await using opened = await openPage(browser, skald.url, phone);
  const { page } = opened;
  const shop = encodeURIComponent('{app="shop"}');
  const views = [
    ["overview", "", "Patterns and fields"],
    ["overview", "service=shop", "took"],
    ["status", "", "Slowest queries"],
    ["live", `q=${shop}`, "order 600 paid"],
    ["explore", `q=${shop}&cols=env,trace_id`, "order 600 paid"],
  ] as const;
  const widthOf = (selector: string) =>
    page.evaluate<number>(`document.querySelector("${selector}").scrollWidth`);
  for (const [view, parameters, text] of views) {
    await page.goto(`${skald.url}/#/${view}?${parameters}`);
    await page.getByText(text).first().waitFor();
    assert.ok((await widthOf("main")) <= 360, `${view}: ${await widthOf("main")}`);
    if (text === "Patterns and fields") {
      await page.getByRole("link", { name: "100 errors of shop" }).waitFor();
      // The volume stands there without pushing the table aside.
      const table = await widthOf(".service-table");
      assert.ok(table <= 344, `${table}`);
    }
  }
  await page.locator(".line-fold").first().click();
  await page.getByRole("button", { name: "Values of env" }).click();
  assert.ok((await widthOf("main")) <= 360);
  await page.getByRole("button", { name: "Context" }).click();
  await page.getByRole("dialog").getByText("order 599 paid").waitFor();
  assert.ok((await widthOf(".context-drawer")) <= 360, String(await widthOf(".context-drawer")));
});
