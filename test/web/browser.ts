// Chromium for the tests of the page: one for all tests of a file, a fresh page for each test. Whatever
// a page writes to its console as an error, and what it throws, fails the test.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { need } from "../../scripts/debian-servers.ts";

/** Asked for once a file; `skip` of its tests. */
export const chromiumFound: { readonly isThere: boolean; readonly reason: string } = need([
  "chromium",
]);

/** `test(name, { skip }, …)`: false, or why there is no browser. */
export const skip: false | string = chromiumFound.isThere ? false : chromiumFound.reason;

const actionTimeoutMs = 10_000;

/** Close it with `await using` or in `after`. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors that a test expects, as a part of their text: a 400 of the server is one for Chromium. */
  readonly expectError: (part: string) => void;
}

/** Opens the address in a window of its own; closing it checks that no error was seen. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: "dark",
    locale: "en-GB",
    timezoneId: "UTC",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(actionTimeoutMs);
  const errors: string[] = [];
  const expected: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  return {
    page,
    expectError: (part) => expected.push(part),
    [Symbol.asyncDispose]: async () => {
      await context.close();
      const surprises = errors.filter((text) => !expected.some((part) => text.includes(part)));
      assert.deepEqual(surprises, [], "errors in the console");
    },
  };
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** The same for both themes; a page that follows the system. */
export async function assertAccessibleInBothThemes(page: Page): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.locator(`html[data-theme="${colorScheme}"]`).waitFor();
    await assertAccessible(page);
  }
}

/** Fails on what axe-core calls serious or critical. */
export async function assertAccessible(page: Page): Promise<void> {
  // Evaluated by the debugger, so the page's policy does not refuse it.
  await page.evaluate(axeSource);
  const results = await page.evaluate<AxeResults>("axe.run(document)");
  const grave = results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map((n) => `${n.html} ${n.failureSummary}`).join("; ")}`,
    );
  assert.deepEqual(grave, []);
}
