// What a new user does, from an empty server to a downloaded file, without a manual. Any error in the
// console fails it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startSkald } from "../support/skald-process.ts";
import { openPage, skip, startBrowser } from "./browser.ts";
import { push } from "./log-data.ts";

test("a new user's walk: send, find an error, its context, share it, follow, download", {
  skip,
}, async () => {
  await using skald = await startSkald();
  await using browser = await startBrowser();
  const permissions = ["clipboard-read", "clipboard-write"];
  await using opened = await openPage(browser, "about:blank", { permissions });
  const { page } = opened;
  await page.addInitScript("delete globalThis.showSaveFilePicker");
  const clipboard = () => page.evaluate<string>("navigator.clipboard.readText()");
  const lines = page.getByRole("region", { name: "Lines", exact: true });

  // The page shows how to send; the snippet works as it is.
  await page.goto(skald.url);
  await page.getByRole("heading", { name: "Send your first logs" }).waitFor();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").waitFor();
  const command = `${await clipboard()} -s -w '%{http_code}'`;
  const sent = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  assert.equal(sent.stdout.trim(), "204", sent.stderr);
  await lines.getByText("hello, Skald").waitFor();

  // An application logs; one line is an error.
  const nowMs = Date.now();
  const orders = Array.from({ length: 50 }, (_, index) => ({
    timeMs: nowMs - 60_000 + index * 1000,
    line: `level=${index === 30 ? "error" : "info"} msg="order ${index}" customer=c${index % 5}`,
  }));
  await push(skald.url, { app: "orders" }, orders);

  // Overview, the errors of the service, the line.
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("link", { name: "1 errors of orders" }).click();
  await lines.getByText("order 30").waitFor();
  assert.equal(await lines.locator("li").count(), 1);

  // What happened around it.
  await lines.locator(".line-fold").click();
  await page.getByRole("button", { name: "Context" }).click();
  const around = page.getByRole("dialog", { name: /^Around/ });
  await around.getByText('"order 29"').waitFor();
  await around.getByText('"order 31"').waitFor();
  await page.keyboard.press("Escape");
  await around.waitFor({ state: "detached" });

  // A link to it, opened by somebody else.
  await page.getByRole("button", { name: "Link to this line" }).click();
  await page.getByText("Link copied").waitFor();
  const link = await clipboard();
  await using other = await openPage(browser, link);
  await other.page.locator(".line.meant").getByText("order 30").first().waitFor();

  // The whole service, live.
  await page.getByRole("button", { name: "No lines with this detected_level" }).click();
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("link", { name: "orders", exact: true }).click();
  await page.getByRole("heading", { name: "50 lines" }).waitFor();
  await lines.getByRole("link", { name: "Live" }).click();
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await push(skald.url, { app: "orders" }, [{ timeMs: Date.now(), line: "level=info fresh" }]);
  await lines.getByText("fresh").waitFor();

  // And taken home.
  await page.getByRole("link", { name: "Explore" }).last().click();
  await page.getByRole("heading", { name: "51 lines" }).waitFor();
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  await page.getByRole("button", { name: /^Text/ }).click();
  const text = readFileSync(await (await waiting).path(), "utf8");
  assert.equal(text.trimEnd().split("\n").length, 51);
});
