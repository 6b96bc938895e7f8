import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startSkald, temporaryFolder } from "../support/skald-process.ts";

const diskMiB = 16;
const lineBytes = 60_000;

/** A disk of its own, small enough to fill; undefined where this machine does not let us mount one. */
function smallDisk(): { folder: string; unmount: () => void } | undefined {
  const folder = join(temporaryFolder(), "disk");
  mkdirSync(folder);
  const args = ["-t", "tmpfs", "-o", `size=${diskMiB}m`, "tmpfs", folder];
  if (spawnSync("mount", args).status !== 0) return undefined;
  return {
    folder,
    unmount: () => {
      spawnSync("umount", [folder]);
      rmSync(join(folder, ".."), { recursive: true, force: true });
    },
  };
}

/** Text that does not compress, so that the disk fills as fast as it looks. */
function noise(seed: number): string {
  let state = seed;
  let out = "";
  while (out.length < lineBytes) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    out += state.toString(36);
  }
  return out.slice(0, lineBytes);
}

test("a full disk refuses with 503, loses nothing and goes on once there is room", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) {
    assert.notEqual(process.env["CI"], "true", "a small disk must be mountable in CI");
    context.skip("SKIPPED: mounting a small disk needs root; the full disk was not tried");
    return;
  }
  const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: error}
common: {path_prefix: "${disk.folder}"}
limits_config: {ingestion_rate_mb: 1000, ingestion_burst_size_mb: 1000, max_entries_limit_per_query: 100000}
`;
  const ballast = join(disk.folder, "ballast");
  writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
  const skald = await startSkald({ config });
  const acknowledged: string[] = [];
  const push = async (id: number): Promise<Response> => {
    const values = [[`${Date.now()}000000`, `id${id} ${noise(id + 1)}`]];
    const body = JSON.stringify({ streams: [{ stream: { app: "full" }, values }] });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${skald.url}/loki/api/v1/push`, { method: "POST", headers, body });
    if (answer.status === 204) acknowledged.push(`id${id}`);
    return answer;
  };
  let refused: Response | undefined;
  for (let id = 0; id < 1000 && refused === undefined; id++) {
    const answer = await push(id);
    if (answer.status !== 204) refused = answer;
  }
  assert.equal(refused?.status, 503);
  assert.ok(refused.headers.get("retry-after") !== null);
  assert.match(await refused.text(), /no space/);
  const ready = async (): Promise<string> => (await fetch(`${skald.url}/ready`)).text();
  assert.match(await ready(), /^ready\n[^]*pushes are refused with 503: no space left/);
  rmSync(ballast);
  let status = 503;
  for (let tries = 0; tries < 100 && status !== 204; tries++) {
    await new Promise((done) => setTimeout(done, 50));
    status = (await push(2000 + tries)).status;
  }
  assert.equal(status, 204, skald.output());
  assert.doesNotMatch(await ready(), /no space/);
  await skald.kill();
  const again = await startSkald({ config, folder: skald.folder });
  const query = new URLSearchParams({ query: '{app="full"}', limit: "100000" });
  const answer = await fetch(`${again.url}/loki/api/v1/query_range?${query.toString()}`);
  const { data } = (await answer.json()) as { data: { result: { values: string[][] }[] } };
  const ids = data.result.flatMap(({ values }) => values.map(([, line]) => line!.split(" ")[0]!));
  assert.deepEqual(ids.sort(), acknowledged.sort());
  await again[Symbol.asyncDispose]();
  disk.unmount();
});
