// The link that an alert carries opens the page at the query of its rule, at the time it looked at.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { pageUrl } from "#ruler";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";
import { openPage, skip, startBrowser } from "./browser.ts";
import { pushShop } from "./log-data.ts";

let skald: SkaldProcess;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  [skald, browser] = await Promise.all([startSkald(), startBrowser()]);
  await pushShop(skald.url, 50, 1_800_000);
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

test("the page asks the query of the rule over the time of the alert", { skip }, async () => {
  const toMs = Date.now();
  const range = { fromMs: toMs - 3_600_000, toMs };
  const query = 'sum by (app) (count_over_time({app=~"sh.*"} |= "paid" [5m])) > 0';
  const link = pageUrl(`${skald.url}/`, { query, range, tenant: "fake" });
  await using opened = await openPage(browser, "about:blank");
  const { page } = opened;
  const [asked] = await Promise.all([
    page.waitForRequest((request) => request.url().includes("/query_range")),
    page.goto(link),
  ]);
  const body = asked.postData() ?? "";
  const sent = new URLSearchParams(body === "" ? asked.url().split("?")[1] : body);
  assert.equal(sent.get("query"), query);
  // The page may move the end to a whole step.
  const endMs = Number(sent.get("end")!.slice(0, 13));
  assert.ok(Math.abs(endMs - toMs) <= 60_000, `${endMs} is far from ${toMs}`);
  await page.getByText("1 series").waitFor();
});
