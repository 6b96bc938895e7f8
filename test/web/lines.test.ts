import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";
import { assertAccessibleInBothThemes, openPage, skip, startBrowser } from "./browser.ts";
import { push, pushShop } from "./log-data.ts";

let skald: SkaldProcess;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  skald = await startSkald();
  browser = await startBrowser();
  await pushShop(skald.url, 1200, 1_800_000);
  const nowMs = Date.now();
  await push(skald.url, { app: "shapes" }, [
    { timeMs: nowMs - 5_000, line: "\u001b[31mred\u001b[0m plain" },
    { timeMs: nowMs - 4_000, line: '{"msg":"hello","user":{"id":"u1"},"n":12345678901234567890}' },
    { timeMs: nowMs - 3_000, line: "a very long line ".repeat(60) },
    { timeMs: nowMs - 2_000, line: 'level=error msg="card refused" customer=c7' },
    { timeMs: nowMs - 1_000, line: 'level=info msg="paid" customer=c8' },
  ]);
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

function address(query: string, parameters: Record<string, string> = {}): string {
  return `${skald.url}/#/explore?${new URLSearchParams({ q: query, ...parameters }).toString()}`;
}

const lines = (page: Page) => page.getByRole("region", { name: "Lines", exact: true });
const rows = (page: Page) => lines(page).locator("li");
const parameters = (page: Page) => new URLSearchParams(page.url().split("?")[1]);
const unfold = (page: Page, text: string) =>
  rows(page).filter({ hasText: text }).first().locator(".line-fold").click();

test("few rows are in the page, however many are loaded; scrolling finds all of them", {
  skip,
}, async () => {
  await using opened = await openPage(browser, address('{app="shop"}', { limit: "500" }));
  const { page } = opened;
  await lines(page).getByText("order 1200 paid").waitFor();
  assert.ok((await rows(page).count()) < 120, String(await rows(page).count()));
  for (let turn = 0; turn < 40; turn++) {
    await page.evaluate("document.querySelector('main').scrollTop = 1e9");
    if (await lines(page).getByText("order 1 paid").isVisible()) break;
    await page.waitForTimeout(100);
  }
  await lines(page).getByText("order 1 paid").waitFor();
  await lines(page).getByText("Beginning of the range").waitFor();
  assert.ok((await rows(page).count()) < 120);
});

test("a hundred thousand lines of many heights: few rows, every scroll is quick", {
  skip,
}, async () => {
  await using opened = await openPage(browser, "about:blank");
  const { page } = opened;
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const values = Array.from({ length: 100_000 }, (_, index) => [
    String(nowNs - BigInt(index) * 1_000_000n),
    `line ${index} ${"text ".repeat(index % 60)}`,
  ]);
  const result = [{ stream: { app: "many" }, values }];
  await page.route("**/query_range?*", async (route) => {
    if (route.request().url().includes("count_over_time")) return route.continue();
    const body = JSON.stringify({ status: "success", data: { resultType: "streams", result } });
    return route.fulfill({ contentType: "application/json", body });
  });
  await page.goto(address('{app="many"}'));
  await lines(page).getByText("line 0", { exact: true }).waitFor();
  // Jumps to 50 places; of each, the work until the rows there are in the page.
  const measured = await page.evaluate<{ workMs: number[]; rowsMax: number; isBlank: boolean }>(`
    (async () => {
      const main = document.querySelector("main");
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const workMs = [];
      let rowsMax = 0;
      let isBlank = false;
      for (let turn = 0; turn < 50; turn++) {
        main.scrollTop = (main.scrollHeight * ((turn * 37) % 50)) / 50;
        const before = performance.now();
        main.dispatchEvent(new Event("scroll"));
        await Promise.resolve();
        await frame();
        await frame();
        workMs.push(performance.now() - before);
        rowsMax = Math.max(rowsMax, document.querySelectorAll(".lines li").length);
        const middle = document.elementFromPoint(640, 600);
        isBlank ||= middle.closest(".lines") !== null && middle.closest("li") === null;
      }
      return { workMs, rowsMax, isBlank };
    })()`);
  assert.ok(measured.rowsMax <= 150, `${measured.rowsMax} rows`);
  assert.ok(!measured.isBlank);
  const median = measured.workMs.sort((a, b) => a - b)[25]!;
  assert.ok(median < 100, `${median} ms`);
  await page.evaluate("document.querySelector('main').scrollTop = 1e9");
  await page.waitForTimeout(200);
  await page.evaluate("document.querySelector('main').scrollTop = 1e9");
  await lines(page).getByText("line 99999").waitFor();
});

test("terminal colours are shown, their codes are not", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shapes"} |= "plain"'));
  const { page } = opened;
  await lines(page).getByText("red").waitFor();
  assert.equal(await lines(page).locator(".ansi-red").innerText(), "red");
  assert.equal(await rows(page).locator(".text").innerText(), "red plain");
  assert.deepEqual(await rows(page).locator("mark").allInnerTexts(), ["plain"]);
});

test("wrapping and JSON are switched, by button and key", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shapes"}'));
  const { page } = opened;
  const long = rows(page).filter({ hasText: "a very long line" });
  await long.waitFor();
  const heightOf = async () => (await long.boundingBox())!.height;
  assert.ok((await heightOf()) > 30);
  await page.keyboard.press("w");
  await page.locator(".lines.unwrapped").waitFor();
  assert.ok((await heightOf()) < 30);
  await page.getByRole("button", { name: "JSON" }).click();
  await lines(page).getByText("12345678901234567890").waitFor();
  assert.match(await lines(page).innerText(), /\{\n {2}"msg": "hello"/);
});

test("an unfolded line filters: a label into the selector, the rest as stages", {
  skip,
}, async () => {
  await using opened = await openPage(browser, address('{app=~"shop|probe"}'));
  const { page } = opened;
  await unfold(page, "order 1200 paid");
  await page.getByRole("button", { name: "Only lines with this env" }).click();
  assert.equal(parameters(page).get("q"), '{app=~"shop|probe", env="prod"}');
  await page.getByRole("heading", { name: "1,200 lines" }).waitFor();
  await page.getByRole("region", { name: "Structured metadata" }).waitFor({ state: "detached" });
  await unfold(page, "order 1200 paid");
  await page.getByRole("button", { name: "No lines with this trace_id" }).click();
  assert.equal(parameters(page).get("q"), '{app=~"shop|probe", env="prod"} | trace_id!="t1199"');
  await rows(page).filter({ hasText: "order 1200 paid" }).waitFor({ state: "detached" });
  await unfold(page, "order 1199 paid");
  await page.getByRole("button", { name: "Only lines with this took" }).click();
  assert.match(parameters(page).get("q") ?? "", / \| logfmt \| took="28ms"$/);
  await rows(page).filter({ hasText: "order 1199 paid" }).waitFor();
});

test("values of a name: how they are spread, a click filters", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}', { limit: "100" }));
  const { page } = opened;
  await unfold(page, "order 1200 paid");
  await page.getByRole("button", { name: "Values of detected_level" }).click();
  const spread = page.getByRole("group", { name: "Most frequent values of detected_level" });
  await spread.getByText(/in 100 of 100 loaded lines/).waitFor();
  await spread.getByRole("button", { name: "Count the whole range" }).click();
  await spread.getByText("in 1,200 lines of the whole range").waitFor();
  await spread.getByRole("button", { name: /info\s*600 · 50 %/ }).click();
  assert.equal(parameters(page).get("q"), '{app="shop"} | detected_level="info"');
});

test("columns are chosen and stay in the address", { skip }, async () => {
  await using opened = await openPage(browser, address('{app="shop"}'));
  const { page } = opened;
  await lines(page).getByText("order 1200 paid").waitFor();
  await page.getByRole("button", { name: /^Columns/ }).click();
  await page.getByLabel("trace_id").check();
  await rows(page).locator(".line-column").getByText("t1199").waitFor();
  assert.equal(parameters(page).get("cols"), "trace_id");
  await page.reload();
  await rows(page).locator(".line-column").getByText("t1199").waitFor();
});

test("keys walk over lines, unfold, show what is around, and copy a link", { skip }, async () => {
  const permissions = ["clipboard-read", "clipboard-write"];
  const first = address('{app="shop"} |= "paid"', { limit: "100" });
  await using opened = await openPage(browser, first, { permissions });
  const { page } = opened;
  await lines(page).getByText("order 1200 paid").waitFor();
  for (const key of ["j", "j", "j", "k"]) await page.keyboard.press(key);
  await page.locator(".line.selected").waitFor();
  assert.match(await lines(page).locator(".line.selected .text").innerText(), /order 1199 paid/);
  await page.keyboard.press("o");
  await page.getByRole("region", { name: "Structured metadata" }).waitFor();
  await page.keyboard.press("y");
  await page.getByText("Link copied").waitFor();
  await page.keyboard.press("c");
  const around = page.getByRole("dialog", { name: /^Around/ });
  await around.getByText("order 1198 paid").waitFor();
  assert.match(await around.locator(".meant .text").innerText(), /order 1199 paid/);
  await assertAccessibleInBothThemes(page);
  await page.keyboard.press("Escape");
  await around.waitFor({ state: "detached" });
  // The link leads to the line, with lines on both sides of it.
  const link = await page.evaluate<string>("navigator.clipboard.readText()");
  await page.goto("about:blank");
  await page.goto(link);
  await lines(page).locator(".line.meant .text").getByText("order 1199 paid").waitFor();
  await lines(page).getByText("order 1200 paid").waitFor();
  await lines(page).getByText("order 1198 paid").waitFor();
});

/** Lines that arrive, and the first look at the middle, move the list under whoever scrolls: goes on until it shows. */
async function scrollUntil(
  scroller: Locator,
  end: "top" | "bottom",
  shown: Locator,
): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await shown.isVisible()) return;
    await scroller.evaluate(
      (element, toTop) => element.scrollTo(0, toTop ? 0 : element.scrollHeight),
      end === "top",
    );
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`scrolled to the ${end}, and it did not show`);
}

test("context loads on in both directions, also over all streams of the query", {
  skip,
}, async () => {
  await using opened = await openPage(browser, address('{app=~".+"} |= "order 600 "'));
  const { page } = opened;
  await unfold(page, "order 600 paid");
  await page.getByRole("button", { name: "Context" }).click();
  const around = page.getByRole("dialog", { name: /^Around/ });
  await around.getByText("order 601 paid").waitFor();
  const scroller = around.locator(".context-lines");
  await scrollUntil(scroller, "top", around.getByText("order 550 paid"));
  await around.getByRole("button", { name: "Load earlier lines" }).click();
  await around.getByRole("button", { name: "Load later lines" }).click();
  await scrollUntil(scroller, "bottom", around.getByText("order 850 paid"));
  await around.getByLabel("Which lines count as around").selectOption("query");
  await around.locator(".meant").getByText("order 600 paid").waitFor();
  await around.locator("li").filter({ hasText: "order 601 paid" }).nth(1).waitFor();
  await page.goBack();
  await around.waitFor({ state: "detached" });
});

test("newer lines are loaded above those shown", { skip }, async () => {
  const toMs = Date.now() - 900_000;
  const range = { from: String(toMs - 300_000), to: String(toMs) };
  await using opened = await openPage(browser, address('{app="shop"}', range));
  const { page } = opened;
  await rows(page).first().waitFor();
  const count = async () => Number.parseInt(await page.locator(".lines-count").innerText(), 10);
  const before = await count();
  await page.getByRole("button", { name: "Load newer lines" }).click();
  while ((await count()) < before + 400) await page.waitForTimeout(50);
});

for (const [form, name, pattern] of [
  ["NDJSON", "ndjson", /^\{"timestamp":"\d{19}","stream":\{"app":"shop"/],
  ["CSV", "csv", /^time,timestamp_ns,labels,line\r\n/],
  ["Text", "log", /^\d{4}-\d\d-\d\dT[\d:.]+Z level=/],
] as const) {
  test(`the whole result is downloaded as ${form}`, { skip }, async () => {
    await using opened = await openPage(browser, "about:blank");
    const { page } = opened;
    await page.addInitScript("delete globalThis.showSaveFilePicker");
    await page.goto(address('{app="shop"}', { limit: "100" }));
    await page.getByRole("button", { name: "Download" }).click();
    const waiting = page.waitForEvent("download");
    await page.getByRole("button", { name: new RegExp(`^${form}`) }).click();
    const file = await waiting;
    assert.match(file.suggestedFilename(), new RegExp(`^logs-.*\\.${name}$`));
    const text = readFileSync(await file.path(), "utf8");
    assert.match(text, pattern);
    assert.equal(text.trimEnd().split("\n").length, form === "CSV" ? 1201 : 1200);
    await page.getByText(/^Downloaded 1,200 lines/).waitFor();
  });
}

test("a download that fails says why", { skip }, async () => {
  await using opened = await openPage(browser, "about:blank");
  const { page, expectError } = opened;
  expectError("500");
  await page.addInitScript("delete globalThis.showSaveFilePicker");
  await page.goto(address('{app="shop"}'));
  await page.route("**/skald/api/v1/export*", (route) =>
    route.fulfill({ status: 500, body: "the store is <b>away</b>" }),
  );
  await page.getByRole("button", { name: "Download" }).click();
  await page.getByRole("button", { name: /^Text/ }).click();
  await page.getByText("Download failed: the store is <b>away</b>").waitFor();
});

test("an unfolded line with values and columns is accessible, dark and light", {
  skip,
}, async () => {
  const at = address('{app="shapes"} |= "card"', { cols: "detected_level" });
  await using opened = await openPage(browser, at);
  const { page } = opened;
  await unfold(page, "card refused");
  await page.getByRole("button", { name: "Values of customer" }).click();
  await assertAccessibleInBothThemes(page);
});

test("who comes back to the first line finds what has arrived meanwhile above it", {
  skip,
}, async () => {
  await using opened = await openPage(browser, address('{app="shop"}', { limit: "500" }));
  const { page } = opened;
  await lines(page).getByText("order 1200 paid").waitFor();
  await push(skald.url, { app: "shop" }, [{ timeMs: Date.now(), line: "level=info just now" }]);
  const scrollTo = (place: string) => page.evaluate(`document.querySelector('main').${place}`);
  await scrollTo("scrollTop = 6000");
  await lines(page).getByText("order 1200 paid").waitFor({ state: "detached" });
  await scrollTo("scrollTop = 0");
  await lines(page).getByText("just now").waitFor();
});
