import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";
import { openPage, skip, startBrowser } from "./browser.ts";
import { pushShop } from "./log-data.ts";

let skald: SkaldProcess;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  [skald, browser] = await Promise.all([startSkald(), startBrowser()]);
  await pushShop(skald.url, 60, 600_000);
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

test("the page opens, its views are links, the address leads back", { skip }, async () => {
  await using opened = await openPage(browser, skald.url);
  const { page } = opened;
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("link", { name: "shop", exact: true }).click();
  await page.getByText("order 60 paid").first().waitFor();
  assert.match(page.url(), /#\/explore\?q=/);
  await page.goBack();
  await page.getByRole("heading", { name: "Services" }).waitFor();
  await page.getByRole("link", { name: "Status" }).click();
  await page.getByText("distributor").waitFor();
});
