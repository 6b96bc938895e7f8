import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { startSkald } from "../support/skald-process.ts";
import { assertAccessibleInBothThemes, openPage, skip, startBrowser } from "./browser.ts";

test("a new user: opens the page, sends a line by the snippet, sees it", { skip }, async () => {
  await using skald = await startSkald();
  await using browser = await startBrowser();
  const permissions = ["clipboard-read", "clipboard-write"];
  await using opened = await openPage(browser, skald.url, { permissions });
  const { page } = opened;
  await page.getByRole("heading", { name: "Send your first logs" }).waitFor();
  await page.getByText("Waiting for the first line").waitFor();
  await assertAccessibleInBothThemes(page);
  for (const client of ["Alloy", "Promtail", "Vector", "Fluent Bit", "OpenTelemetry", "Docker"]) {
    await page.getByRole("tab", { name: client }).click();
    const text = await page.getByRole("tabpanel").locator("pre").innerText();
    assert.ok(text.includes(new URL(skald.url).port), `${client}: ${text}`);
  }
  await page.getByRole("tab", { name: "curl" }).click();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").waitFor();
  const command = await page.evaluate<string>("navigator.clipboard.readText()");
  const sent = spawnSync("sh", ["-c", `${command} -s -w '%{http_code}'`], { encoding: "utf8" });
  assert.equal(sent.stdout.trim(), "204", sent.stderr);
  // The page notices by itself.
  await page.getByText('level=info msg="hello, Skald"').first().waitFor();
  assert.match(page.url(), /q=/);
});
