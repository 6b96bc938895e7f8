// Makes the pictures of the README and the documents, docs/images/*.png: a process of its own is filled
// with the logs of a small shop (demo-logs.ts), Chromium opens its page, dark and light.
import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { type SkaldProcess, startSkald } from "../test/support/skald-process.ts";
import { openPage, startBrowser } from "../test/web/browser.ts";
import { demoStreams } from "./demo-logs.ts";

const images = join(dirname(fileURLToPath(import.meta.url)), "..", "docs", "images");
const hourMs = 3_600_000;
const entries = 24_000;
/** Larger pictures are not for a repository. */
const imageBytesMax = 256 * 1024;
/** Entries of one push. */
const pushMax = 2_000;

interface Shot {
  readonly name: string;
  readonly hash: string;
  /** Stands in the page when it is complete. */
  readonly text: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

const explore = (query: string, more: Record<string, string> = {}): string =>
  `#/explore?${new URLSearchParams({ q: query, ...more }).toString()}`;

const shots: readonly Shot[] = [
  { name: "explore", hash: explore('{namespace="shop"} |= "order"'), text: "order placed" },
  {
    name: "labels",
    hash: explore('{namespace="shop"}', { panel: "labels" }),
    text: "Show lines",
    prepare: async (page) => {
      await page.getByRole("button", { name: /^app \d/ }).click();
      await page.getByRole("button", { name: /^checkout/ }).waitFor();
    },
  },
  {
    name: "metric",
    hash: explore('sum by (app) (rate({namespace=~".+"}[1m]))', { chart: "area" }),
    text: "5 series",
  },
  {
    name: "lines",
    hash: explore('{namespace="shop"} |= "order"', { cols: "app" }),
    text: "order placed",
    prepare: async (page) => {
      await page.locator(".line-fold").nth(2).click();
      await page.getByRole("button", { name: "Values of detected_level" }).click();
    },
  },
  {
    name: "overview",
    hash: "#/overview",
    text: "Patterns and fields",
    prepare: (page) => page.locator(".sparkline").nth(3).waitFor(),
  },
  {
    name: "status",
    hash: "#/status",
    text: "Background work",
    prepare: async (page) => {
      await page.getByText("Ready", { exact: true }).waitFor();
      await page.getByText("lines/s").waitFor({ timeout: 15_000 });
    },
  },
];

async function fill({ url }: SkaldProcess): Promise<void> {
  const toMs = Date.now();
  for (const { labels, entries: all } of demoStreams({
    seed: 7,
    fromMs: toMs - hourMs,
    toMs,
    entries,
  })) {
    for (let from = 0; from < all.length; from += pushMax) {
      const values = all
        .slice(from, from + pushMax)
        .map(({ timeMs, line }) => [`${timeMs}000000`, line]);
      const answer = await fetch(`${url}/loki/api/v1/push`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ streams: [{ stream: labels, values }] }),
      });
      if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
    }
  }
}

async function take(browser: Browser, url: string, shot: Shot): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await using opened = await openPage(browser, `${url}/${shot.hash}`, { colorScheme });
    const { page } = opened;
    await page.getByText(shot.text).first().waitFor();
    await shot.prepare?.(page);
    // Charts draw in the next frame.
    await page.waitForTimeout(300);
    const path = join(images, `${shot.name}-${colorScheme}.png`);
    await page.screenshot({ path });
    const { size } = statSync(path);
    if (size > imageBytesMax) throw new Error(`${path} has ${size} bytes`);
    process.stdout.write(`${path} ${Math.round(size / 1024)} KiB\n`);
  }
}

mkdirSync(images, { recursive: true });
await using skald = await startSkald();
await using browser = await startBrowser();
await fill(skald);
for (const shot of shots) await take(browser, skald.url, shot);
