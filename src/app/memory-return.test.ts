import assert from "node:assert/strict";
import { test } from "node:test";
import { MiB } from "#base";
import { createLogger, createMetrics } from "#telemetry";
import { ManualClock, type ProcessMemory, systemProcessMemory } from "#world";
import { returnMemory } from "./memory-return.ts";

/** A process that does as the script says: each row is ten seconds. */
interface TenSeconds {
  readonly cpuMs: number;
  readonly rssMiB: number;
}

async function returnsIn(script: readonly TenSeconds[], keeps = 100): Promise<number[]> {
  const clock = new ManualClock({ nowMs: 0 });
  const returned: number[] = [];
  let cpuMs = 500;
  let rssMiB = 0;
  let at = 0;
  const memory: ProcessMemory = {
    cpuMs: () => cpuMs,
    rssBytes: () => rssMiB * MiB,
    giveBack: () => {
      returned.push(at);
      rssMiB = keeps;
      // A collection costs CPU time, which is no sign of life.
      cpuMs += 300;
      return true;
    },
  };
  const log = createLogger({ level: "error", format: "logfmt", write: () => undefined });
  const stop = new AbortController();
  const metrics = createMetrics({ process: false });
  const running = returnMemory({ clock, memory, log, metrics }, stop.signal);
  for (at = 0; at < script.length; at++) {
    const row = script[at]!;
    cpuMs += row.cpuMs;
    rssMiB = row.rssMiB;
    await clock.advanceAndSettle(10_000);
  }
  stop.abort();
  await assert.rejects(running);
  return returned;
}

const idle = (rssMiB: number): TenSeconds => ({ cpuMs: 20, rssMiB });
const busy = (rssMiB: number): TenSeconds => ({ cpuMs: 2_000, rssMiB });

const rows = (count: number, row: TenSeconds): TenSeconds[] =>
  Array.from({ length: count }, () => row);

const cases: readonly { title: string; script: readonly TenSeconds[]; want: readonly number[] }[] =
  [
    { title: "after thirty idle seconds", script: [idle(150), idle(150), idle(150)], want: [2] },
    { title: "not while it works", script: rows(12, busy(300)), want: [] },
    {
      title: "thirty seconds after the last work",
      script: [idle(150), busy(300), idle(300), idle(300), idle(300), idle(100)],
      want: [4],
    },
    {
      title: "once, while nothing grows",
      script: [...rows(3, idle(150)), ...rows(20, idle(107))],
      want: [2],
    },
    {
      title: "again when it grew by 8 MiB",
      script: [...rows(3, idle(150)), idle(107.9), idle(108)],
      want: [2, 4],
    },
    {
      title: "growth is counted from the least since",
      script: [...rows(3, idle(150)), idle(80), idle(88)],
      want: [2, 4],
    },
  ];
for (const { title, script, want } of cases) {
  test(`memory is given back: ${title}`, async () => {
    assert.deepEqual(await returnsIn(script), want);
  });
}

test("where Node does not let itself be collected, nobody looks any more", async () => {
  const clock = new ManualClock({ nowMs: 0 });
  const memory = { cpuMs: () => 0, rssBytes: () => 200 * MiB, giveBack: () => false };
  const log = createLogger({ level: "error", format: "logfmt", write: () => undefined });
  const metrics = createMetrics({ process: false });
  const parts = { clock, memory, log, metrics };
  const running = returnMemory(parts, new AbortController().signal);
  for (let at = 0; at < 3; at++) await clock.advanceAndSettle(10_000);
  await running;
});

test("the system tells what a process holds and uses", () => {
  assert.ok(systemProcessMemory.rssBytes() > MiB);
  assert.ok(systemProcessMemory.cpuMs() > 0);
});
