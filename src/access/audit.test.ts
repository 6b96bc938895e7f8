import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, createMetrics } from "#telemetry";
import { ManualClock, SimulatedDisk } from "#world";
import { Audit } from "./audit.ts";

function start(path?: string) {
  const lines: string[] = [];
  const log = createLogger({
    level: "info",
    format: "logfmt",
    write: (line) => {
      lines.push(line);
    },
  });
  const clock = new ManualClock({ nowMs: 0 });
  const disk = new SimulatedDisk();
  const metrics = createMetrics({ process: false });
  const file = path === undefined ? {} : { file: { path, files: disk } };
  return { audit: new Audit({ log, clock, metrics, ...file }), lines, clock, disk, metrics };
}

test("what a client sends cannot make lines of its own", () => {
  const { audit, lines } = start();
  const actor = "a\r\nts=now level=info msg=audit audit=true event=login\u2028\u0085\u001b[2J";
  audit.record({ event: "login", outcome: "failed", actor, tenant: "x".repeat(5000) });
  assert.equal(lines.length, 1);
  const [line = ""] = lines;
  assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\u2028]/u);
  assert.match(line, /msg=audit audit=true event=login outcome=failed/);
  assert.ok(line.length < 1500);
});

test("the file has one line of JSON an event, in order, over restarts", async () => {
  const { audit, disk } = start("/audit.log");
  audit.record({ event: "delete", outcome: "ok", actor: "a", status: 204 });
  await audit.close();
  audit.record({ event: "logout", outcome: "ok", actor: 'b"\n' });
  audit.record({ event: "logout", outcome: "ok", actor: "c" });
  await audit.close();
  const texts = (await disk.read("/audit.log")).toString().trimEnd().split("\n");
  const events = texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  assert.deepEqual(
    events.map(({ actor }) => actor),
    ["a", 'b"\\u000a', "c"],
  );
  assert.deepEqual(events[0], {
    time: "1970-01-01T00:00:00.000Z",
    event: "delete",
    outcome: "ok",
    actor: "a",
    status: 204,
  });
});

test("a file that cannot be written costs nothing but itself", async () => {
  const { audit, lines, metrics } = start("/no/such/folder/audit.log");
  for (let i = 0; i < 3; i++) audit.record({ event: "admin", outcome: "ok" });
  await audit.close();
  assert.equal(lines.filter((line) => line.includes("audit=true")).length, 3);
  assert.equal(lines.filter((line) => line.includes("cannot be written")).length, 1);
  assert.match(await metrics.text(), /skald_audit_lines_lost_total 3/);
});

test("a storm of failures is counted, not told; what succeeds is always told", () => {
  const { audit, lines, clock } = start();
  for (let i = 0; i < 100; i++) audit.record({ event: "login", outcome: "failed" });
  audit.record({ event: "login", outcome: "ok" });
  assert.equal(lines.length, 21);
  clock.advance(1000);
  audit.record({ event: "login", outcome: "failed" });
  assert.match(lines.at(-1) ?? "", /untold=80/);
});
