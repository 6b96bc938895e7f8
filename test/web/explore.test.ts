import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";
import { openPage, skip, startBrowser } from "./browser.ts";
import { pushShop } from "./log-data.ts";

let skald: SkaldProcess;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  skald = await startSkald();
  browser = await startBrowser();
  await pushShop(skald.url, 1200, 1_800_000);
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

function address(query: string, parameters: Record<string, string> = {}): string {
  return `${skald.url}/#/explore?${new URLSearchParams({ q: query, ...parameters }).toString()}`;
}

const editor = (page: Page) => page.getByRole("textbox", { name: "LogQL query" });
const lines = (page: Page) => page.getByRole("region", { name: "Lines", exact: true });
const parameters = (page: Page) => new URLSearchParams(page.url().split("?")[1]);

/** Replaces what stands in the editor, key by key. */
async function write(page: Page, text: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await editor(page).pressSequentially(text, { delay: 5 });
}

test("a query is written with completion and run by Shift-Enter", { skip }, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  await editor(page).click();
  await page.keyboard.type("{ap");
  const offered = page.getByRole("listbox");
  await offered.getByText("app", { exact: true }).waitFor();
  // The editor takes no choice that comes before a person could have seen the list.
  await page.waitForTimeout(100);
  await page.keyboard.press("Enter");
  // Its values follow at once.
  await offered.getByText("probe").waitFor();
  await page.keyboard.type("sh");
  await offered.getByText("shop").waitFor();
  await page.waitForTimeout(100);
  await page.keyboard.press("Enter");
  assert.equal(await editor(page).innerText(), '{app="shop"}');
  await page.keyboard.press("Shift+Enter");
  await lines(page).getByText("order 1200 paid").waitFor();
  assert.equal(parameters(page).get("q"), '{app="shop"}');
});

test("stages, functions and parsed fields are offered", { skip }, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  const offered = page.getByRole("listbox");
  await write(page, '{app="shop"} | logf');
  await offered.getByText("parse key=value").waitFor();
  await page.keyboard.press("Escape");
  await write(page, '{app="shop"} | logfmt | to');
  await offered.getByText("took").waitFor();
  await page.keyboard.press("Escape");
  await write(page, "count_dis");
  await offered.getByText("count_distinct_over_time").waitFor();
});

test("Enter makes a line, the words of LogQL are coloured", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"} |= "error"'));
  const { page } = opened;
  await editor(page).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  assert.match(await editor(page).innerText(), /"error"\n/);
  const colours = await page.evaluate<string[]>(
    '[...new Set([...document.querySelectorAll(".cm-line span")].map((e) => getComputedStyle(e).color))]',
  );
  assert.ok(colours.length >= 2, colours.join());
});

test("an error of the server stands below the query and is underlined where it is", {
  skip,
}, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page, expectError } = opened;
  expectError("400 (Bad Request)");
  await write(page, '{app="shop"} | logfmt | line_formt "x"');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter");
  const alert = page.getByRole("alert");
  await alert.getByText("parse error at line 1").waitFor();
  assert.ok((await page.locator(".cm-lintRange-error").innerText()).length > 0);
  await write(page, '{app="shop"} | logfmt');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter");
  await lines(page).getByText("order 1200 paid").waitFor();
  assert.equal(await alert.count(), 0);
  assert.equal(await page.locator(".cm-lintRange-error").count(), 0);
});

test("bars by level stand above the lines, their legend hides a level", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}'));
  const { page } = opened;
  const bars = page.getByRole("region", { name: "Lines by level" });
  await bars.getByRole("heading", { name: "1,200 lines" }).waitFor();
  const legend = bars.getByRole("group", { name: "Series" });
  assert.match(await legend.innerText(), /info\s*600/);
  const error = legend.getByRole("button", { name: /error/ });
  await error.click();
  assert.equal(await error.getAttribute("aria-pressed"), "false");
  await legend.getByRole("button", { name: /info/ }).click();
  const chart = bars.getByRole("img");
  assert.match((await chart.getAttribute("aria-label")) ?? "", /error 200/);
  await bars.getByRole("button", { name: "Only lines of these levels" }).click();
  await bars.getByRole("heading", { name: "400 lines" }).waitFor();
  assert.equal(parameters(page).get("q"), '{app="shop"} | detected_level=~"debug|warn"');
});

test("dragging over the bars zooms, the back of the browser undoes it", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}'));
  const { page } = opened;
  const over = page.locator(".histogram .u-over");
  await over.waitFor();
  const box = (await over.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.6, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.8, box.y + 30, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d{13}&to=\d{13}/);
  const spanMs = Number(parameters(page).get("to")) - Number(parameters(page).get("from"));
  assert.ok(Math.abs(spanMs - 720_000) < 60_000, `${spanMs} ms`);
  await page.getByRole("heading", { name: /^[1-9]\d\d lines/ }).waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "1,200 lines" }).waitFor();
  assert.equal(parameters(page).get("from"), null);
});

test("ranges are chosen: relative, absolute, and twice as wide", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}'));
  const { page } = opened;
  const picker = page.getByRole("button", { name: /^Time range/ });
  await picker.click();
  await page.getByRole("button", { name: "Last 5 minutes" }).click();
  assert.equal(parameters(page).get("from"), "now-5m");
  await picker.click();
  await page.getByLabel("From").fill("2026-01-10 08:00");
  await page.getByLabel("To", { exact: true }).fill("2026-01-10 07:00");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText("ends before it begins").waitFor();
  await page.getByLabel("To", { exact: true }).fill("2026-01-10 09:00");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("heading", { name: "Nothing found" }).waitFor();
  assert.equal(parameters(page).get("from"), String(Date.UTC(2026, 0, 10, 8)));
  await page.getByRole("button", { name: "Zoom out" }).click();
  assert.equal(parameters(page).get("from"), String(Date.UTC(2026, 0, 10, 7, 30)));
});

test("the range before comes back, also without the browser's back", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}'));
  const { page } = opened;
  const undo = page.getByRole("button", { name: "Back to the range before" });
  assert.ok(await undo.isDisabled());
  await page.getByRole("button", { name: "Zoom out" }).click();
  await page.waitForURL(/from=\d{13}/);
  await undo.click();
  await page.waitForURL(/from=now-1h/);
  await page.getByRole("heading", { name: "1,200 lines" }).waitFor();
});

test("a click on a bar opens its step", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}'));
  const { page } = opened;
  const over = page.locator(".histogram .u-over");
  await over.waitFor();
  const box = (await over.boundingBox())!;
  await over.click({ position: { x: box.width * 0.75, y: box.height - 5 } });
  await page.waitForURL(/from=\d{13}/);
  const spanMs = Number(parameters(page).get("to")) - Number(parameters(page).get("from"));
  assert.equal(spanMs, 30_000);
});

test("a query is formatted, and shared with the times it shows", { skip }, async () => {
  const permissions = ["clipboard-read", "clipboard-write"];
  await using opened = await openPage(browser, address('{app="shop"}|="order"'), { permissions });
  const { page } = opened;
  await page.getByRole("button", { name: "Format" }).click();
  await page.getByText('{app="shop"} |= "order"').waitFor();
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByText("Link copied").waitFor();
  const link = await page.evaluate<string>("navigator.clipboard.readText()");
  assert.match(link, /#\/explore\?q=.*&from=\d{13}&to=\d{13}/);
});

test("labels build the selector by clicking", { skip }, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  await page.getByRole("button", { name: "Labels" }).click();
  const browserPanel = page.getByRole("region", { name: "Label browser" });
  await browserPanel.getByRole("button", { name: /^app 2/ }).click();
  const values = browserPanel.getByRole("group", { name: "Values of app" });
  await values.getByRole("button", { name: /shop/ }).click();
  assert.match(await editor(page).innerText(), /\{app="shop"\}/);
  await values.getByRole("button", { name: /probe/ }).click();
  assert.match(await editor(page).innerText(), /\{app=~"shop\|probe"\}/);
  await values.getByRole("button", { name: /probe/ }).click();
  await browserPanel.getByRole("button", { name: "Show lines" }).click();
  await lines(page).getByText("order 1200 paid").waitFor();
});

test("history and saved queries come back after the page was left", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="probe"}'));
  const { page } = opened;
  await lines(page).waitFor();
  await page.getByRole("button", { name: "History" }).click();
  await page.getByLabel("Name for this query").fill("the probe");
  await page.getByRole("button", { name: "Save" }).click();
  await page.goto("about:blank");
  await page.goto(`${skald.url}/#/explore?panel=history`);
  const panel = page.getByRole("region", { name: "Saved queries and history" });
  assert.equal(await panel.getByText('{app="probe"}').count(), 2);
  await panel
    .getByRole("button", { name: /the probe/ })
    .first()
    .click();
  await lines(page).getByText("order 1191 paid").waitFor();
});

test("numbers over time: chart, kinds, table, statistics", { skip }, async () => {
  await using opened = await openPage(browser, address('sum by (app) (rate({app=~".+"}[1m]))'));
  const { page } = opened;
  const panel = page.getByRole("region", { name: "Result" });
  await panel.getByRole("heading", { name: "2 series" }).waitFor();
  assert.equal(await panel.getByRole("row").count(), 3);
  assert.match(await panel.getByRole("row").nth(1).innerText(), /shop/);
  for (const kind of ["area", "bars"]) {
    await panel.getByRole("button", { name: kind, exact: true }).click();
    assert.equal(parameters(page).get("chart"), kind);
    await panel.locator("canvas").waitFor();
  }
  const probe = panel.getByRole("button", { name: "probe" });
  await probe.click();
  assert.equal(await probe.getAttribute("aria-pressed"), "false");
  assert.match(await page.getByLabel("Query statistics").innerText(), /Blocks read/);
});

test("explain says what is read", { skip }, async () => {
  await using opened = await openPage(
    browser,
    address('{app="shop"} |= "order"', { panel: "explain" }),
  );
  const { page } = opened;
  const panel = page.getByRole("region", { name: "Explain" });
  await panel.getByText("Blocks skipped by filters").waitFor();
  await panel.getByRole("heading", { name: /Read 1: \{app="shop"\}/ }).waitFor();
});

test("one run asks for the bars and the lines, once each, bars first", { skip }, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  const asked: string[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname.endsWith("query_range")) asked.push(url.searchParams.get("query") ?? "");
  });
  await write(page, '{app="shop"} |= "order 7 paid"');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+Enter");
  await lines(page).getByText("order 7 paid").waitFor();
  assert.equal(asked.length, 2);
  assert.match(asked[0]!, /^sum by \(detected_level\)/);
  assert.equal(asked[1], '{app="shop"} |= "order 7 paid"');
});

test("order, page size and pages: the next page follows the first", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}', { limit: "100" }));
  const { page } = opened;
  await lines(page).getByText("order 1200 paid").waitFor();
  await page.getByLabel("Order of lines").selectOption("forward");
  await lines(page).getByText("order 1 paid").waitFor();
  assert.equal(parameters(page).get("dir"), "forward");
});

test("a query that runs is cancelled", { skip }, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  await page.route("**/query_range?*", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await route.continue().catch(() => undefined);
  });
  await write(page, '{app="shop"}');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+Enter");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Run", exact: true }).waitFor();
  assert.equal(await lines(page).count(), 0);
});

test("refresh runs again by itself", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}', { from: "now-15m" }));
  const { page } = opened;
  await lines(page).waitFor();
  await page.getByLabel("Refresh").selectOption("5s");
  await page.waitForRequest(/query_range/, { timeout: 8_000 });
  assert.equal(parameters(page).get("refresh"), "5s");
});

test("a server that is away, and an answer that is none, are said in words", { skip }, async () => {
  await using opened = await openPage(browser, "about:blank");
  const { page, expectError } = opened;
  expectError("ERR_CONNECTION_REFUSED");
  await page.route("**/loki/api/v1/labels?*", (route) => route.abort("connectionrefused"));
  await page.goto(skald.url);
  await page.getByText("The server cannot be reached").waitFor();
  await page.unroute("**/loki/api/v1/labels?*");
  await page.getByRole("heading", { name: "Where to begin" }).waitFor();
  const json = '{"status":"success","data":{"resultType":"streams","result":5}}';
  await page.route("**/query_range?*", (route) => route.fulfill({ body: json }));
  await write(page, '{app="shop"}');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+Enter");
  await page.getByText("The answer cannot be read").waitFor();
  await page.getByRole("button", { name: "Run", exact: true }).waitFor();
});

test("the first lines stand there 100 ms after their answer, also of a thousand", {
  skip,
}, async () => {
  await using opened = await openPage(browser, "about:blank");
  const { page } = opened;
  // Of the frame after the first row, in the time of the page's own clock.
  await page.addInitScript(`
    globalThis.shownMs = new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        if (document.querySelector(".lines li .text") === null) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      }).observe(document, { childList: true, subtree: true });
    });`);
  const afterMs: number[] = [];
  // Other work of this machine only makes it later, so the best of some tells.
  for (let turn = 0; turn < 15 && !afterMs.some((ms) => ms <= 100); turn++) {
    await page.goto("about:blank");
    await page.goto(address('{app="shop"}', { limit: "1000" }));
    const ms = await page.evaluate<number>(`
      shownMs.then((shownMs) => shownMs - performance.getEntriesByType("resource")
        .find(({ name }) => name.includes("query_range") && !name.includes("count_over_time"))
        .responseEnd)`);
    afterMs.push(Math.round(ms));
  }
  assert.ok(Math.min(...afterMs) <= 100, `${afterMs.join()} ms`);
});
