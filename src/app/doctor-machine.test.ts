import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { GiB, MiB } from "#base";
import { type Config, loadConfig } from "#config";
import { checkMachine, type Machine } from "./doctor-machine.ts";
import { checkPorts } from "./doctor-ports.ts";

async function configOf(...argv: string[]): Promise<Config> {
  const readFile = (): Promise<string> =>
    Promise.reject(Object.assign(new Error("no file"), { code: "ENOENT" }));
  const result = await loadConfig({ argv, env: {}, cwd: "/", readFile });
  assert.ok(result.action === "run");
  return result.loaded.config;
}

const good: Machine = {
  nodeVersion: "26.10.0",
  memoryBytes: 8 * GiB,
  memoryLimitBytes: undefined,
  openFilesMax: 65_536,
  processorCount: 2,
};

const claims: readonly [claim: string, machine: Partial<Machine>, statuses: string][] = [
  ["a usual machine is fit", {}, "ok ok ok"],
  ["an old runtime is not", { nodeVersion: "22.1.0" }, "error ok ok"],
  ["too little memory is a warning", { memoryLimitBytes: 256 * MiB }, "ok warning ok"],
  ["so are few open files", { openFilesMax: 4096 }, "ok ok warning"],
  ["with very few it will fail", { openFilesMax: 256 }, "ok ok error"],
  ["without a limit all is well", { openFilesMax: Infinity }, "ok ok ok"],
  ["and where the system does not say", { openFilesMax: undefined }, "ok ok ok"],
];

for (const [claim, machine, statuses] of claims) {
  test(claim, async () => {
    const findings = checkMachine(await configOf(), { ...good, ...machine });
    assert.equal(findings.map(({ status }) => status).join(" "), statuses);
    for (const { status, advice } of findings) assert.equal(advice === undefined, status === "ok");
  });
}

test("a taken port is a warning, since it may be Skald's; a strange address an error", async () => {
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  assert.ok(typeof address === "object" && address !== null);
  const config = await configOf(
    `-server.http-listen-port=${address.port}`,
    "-server.grpc-listen-address=192.0.2.1",
  );
  const [http, grpc] = await checkPorts(config);
  assert.deepEqual([http?.status, grpc?.status], ["warning", "error"]);
  taken.close();
});
