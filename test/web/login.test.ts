import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type SkaldProcess, startSkald, temporaryFolder } from "../support/skald-process.ts";
import { assertAccessibleInBothThemes, openPage, skip, startBrowser } from "./browser.ts";
import { push } from "./log-data.ts";

const tokens = {
  one: "a".repeat(40),
  several: "b".repeat(40),
  sender: "c".repeat(40),
  newcomer: "d".repeat(40),
};

function hashOf(token: string): string {
  return `sha256:${createHash("sha256").update(token).digest("hex")}`;
}

const credentials = {
  credentials: [
    { name: "one", token_hash: hashOf(tokens.one), tenants: ["team-a"], rights: ["read"] },
    {
      name: "several",
      token_hash: hashOf(tokens.several),
      tenants: ["team-a", "team-b"],
      rights: ["read", "admin"],
    },
    {
      name: "newcomer",
      token_hash: hashOf(tokens.newcomer),
      tenants: ["team-c"],
      rights: ["read", "write"],
    },
    { name: "sender", token_hash: hashOf(tokens.sender), tenants: "*", rights: ["write"] },
  ],
};

let skald: SkaldProcess;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  const folder = temporaryFolder();
  writeFileSync(join(folder, "tokens.json"), JSON.stringify(credentials));
  const config = `
auth_enabled: true
server: {http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: \${DATA}}
skald: {token_file: "\${DATA}/tokens.json"}
`;
  skald = await startSkald({ config, folder });
  browser = await startBrowser();
  for (const tenant of ["team-a", "team-b"]) {
    const line = { timeMs: Date.now(), line: `a line of ${tenant}` };
    await push(skald.url, { app: "x" }, [line], {
      "X-Scope-OrgID": tenant,
      Authorization: `Bearer ${tokens.sender}`,
    });
  }
});

after(async () => {
  await browser?.close();
  await skald?.[Symbol.asyncDispose]();
});

const address = (view: string) =>
  `${skald.url}/#/${view}?${new URLSearchParams({ q: '{app="x"}' }).toString()}`;
const lines = (page: Page) => page.getByRole("region", { name: "Lines", exact: true });

async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
}

test("nothing is shown before logging in; a wrong token says so", { skip }, async () => {
  await using opened = await openPage(browser, address("explore"));
  const { page, expectError } = opened;
  expectError("401 (Unauthorized)");
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await assertAccessibleInBothThemes(page);
  await logIn(page, "wrong");
  await page.getByRole("alert").waitFor();
  await logIn(page, tokens.one);
  await lines(page).getByText("a line of team-a").waitFor();
  // It is a cookie no script can read, and the address holds nothing of it.
  assert.equal(await page.evaluate("document.cookie"), "");
  assert.ok(!page.url().includes(tokens.one));
  await page.reload();
  await lines(page).getByText("a line of team-a").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
});

test("one of several tenants is chosen, and followed live", { skip }, async () => {
  await using opened = await openPage(browser, address("explore"));
  const { page, expectError } = opened;
  expectError("401 (Unauthorized)");
  await logIn(page, tokens.several);
  await lines(page).getByText("a line of team-a").waitFor();
  await page.getByLabel("Tenant").selectOption("team-b");
  await lines(page).getByText("a line of team-b").waitFor();
  // A link that names no tenant shows the first again.
  await page.goto(address("explore"));
  await lines(page).getByText("a line of team-a").waitFor();
  await page.goto(`${address("explore")}&tenant=team-b`);
  await lines(page).getByText("a line of team-b").waitFor();
  await page.keyboard.press("t");
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await lines(page).getByText("a line of team-b").waitFor();
});

test("a tenant without logs is shown how to send them, with the place of the token", {
  skip,
}, async () => {
  const permissions = ["clipboard-read", "clipboard-write"];
  await using opened = await openPage(browser, skald.url, { permissions });
  const { page, expectError } = opened;
  expectError("401 (Unauthorized)");
  await logIn(page, tokens.newcomer);
  await page.getByRole("heading", { name: "Send your first logs" }).waitFor();
  await page.getByText("Put a token that has the right").waitFor();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").waitFor();
  const command = await page.evaluate<string>("navigator.clipboard.readText()");
  assert.ok(!command.includes(tokens.newcomer));
  const filled = `${command.replace("YOUR_TOKEN", tokens.newcomer)} -s -w '%{http_code}'`;
  const sent = spawnSync("sh", ["-c", filled], { encoding: "utf8" });
  assert.equal(sent.stdout.trim(), "204", sent.stderr);
  await lines(page).getByText("hello, Skald").first().waitFor();
});
