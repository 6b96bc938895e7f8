import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, temporaryFolder } from "../support/skald-process.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** A checkout in which source and bundle say who they are. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), "skald-bundle-"));
  for (const name of ["bin", "src/app", "dist/server"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  copyFileSync(join(root, "bin", "skald"), join(folder, "bin", "skald"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package-lock.json"), "{}");
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "src", "app", "main.ts"), 'process.stdout.write("source");\n');
  writeFileSync(join(folder, "dist", "server", "main.js"), 'process.stdout.write("bundle");\n');
  return folder;
}

/** Seconds of 2026 in which things were written. */
const early = 1_780_000_000;
const late: number = early + 1;

const cases = [
  { title: "a bundle newer than the sources runs", want: "bundle" },
  { title: "a changed source runs itself", touch: "src/app/main.ts", want: "source" },
  { title: "where a file went, the sources run", touch: "src/app", want: "source" },
  { title: "after other libraries, the sources run", touch: "package-lock.json", want: "source" },
  { title: "without a bundle, the sources run", remove: "dist", want: "source" },
];
for (const { title, touch, remove, want } of cases) {
  test(title, () => {
    const folder = checkout();
    for (const path of ["src/app/main.ts", "src/app", "src", "package-lock.json"]) {
      utimesSync(join(folder, path), early, early);
    }
    utimesSync(join(folder, "dist", "server", "main.js"), early, early);
    if (touch !== undefined) utimesSync(join(folder, touch), late, late);
    if (remove !== undefined) rmSync(join(folder, remove), { recursive: true });
    const { stdout, stderr } = spawnSync(join(folder, "bin", "skald"), { encoding: "utf8" });
    assert.equal(stdout, want, stderr);
    rmSync(folder, { recursive: true });
  });
}

test("the bundle serves as the sources do", async () => {
  const name = `test-${process.pid}`;
  const node = join(root, "node_modules", ".bin", "node");
  const built = spawnSync(node, [join(root, "scripts", "build-server.ts"), name], {
    encoding: "utf8",
  });
  assert.equal(built.status, 0, built.stderr);
  const folder = temporaryFolder();
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = [
    join(root, "dist", name, "main.js"),
    `-server.http-listen-port=${new URL(url).port}`,
    "-server.grpc-listen-port=0",
    `-common.path-prefix=${folder}`,
  ];
  const server = spawn(node, args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await until(async () => (await fetch(`${url}/ready`)).status === 200);
    const values = [[`${Date.now()}000000`, "from the bundle – in UTF-8"]];
    const pushed = await fetch(`${url}/loki/api/v1/push`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ streams: [{ stream: { app: "bundle" }, values }] }),
    });
    assert.equal(pushed.status, 204);
    const found = await fetch(`${url}/loki/api/v1/query_range?query={app="bundle"}`);
    assert.match(await found.text(), /from the bundle – in UTF-8/);
    const page = await fetch(`${url}/`, { headers: { accept: "text/html" } });
    assert.match(await page.text(), /<html/);
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
    rmSync(folder, { recursive: true });
    rmSync(join(root, "dist", name), { recursive: true });
  }
});

async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isDone().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nothing answered");
}
