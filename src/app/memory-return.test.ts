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

async function returnsIn(
  script: readonly TenSeconds[],
): Promise<{ all: number[]; free: number[] }> {
  const clock = new ManualClock({ nowMs: 0 });
  const returned = { all: [] as number[], free: [] as number[] };
  let cpuMs = 500;
  let rssMiB = 0;
  let at = 0;
  const memory: ProcessMemory = {
    cpuMs: () => cpuMs,
    rssBytes: () => rssMiB * MiB,
    externalBytes: () => 0,
    collectSoon: () => assert.fail("not asked for here"),
    giveBack: () => {
      returned.all.push(at);
      rssMiB = 100;
      // A collection costs CPU time, which is no sign of life.
      cpuMs += 300;
    },
    trim: () => {
      returned.free.push(at);
      rssMiB *= 0.8;
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
    await clock.advanceAndSettle(5_000);
    await clock.advanceAndSettle(5_000);
  }
  stop.abort();
  await assert.rejects(running);
  return returned;
}

const idle = (rssMiB: number): TenSeconds => ({ cpuMs: 20, rssMiB });
const busy = (rssMiB: number): TenSeconds => ({ cpuMs: 2_000, rssMiB });

const rows = (count: number, row: TenSeconds): TenSeconds[] =>
  Array.from({ length: count }, () => row);

interface Case {
  readonly title: string;
  readonly script: readonly TenSeconds[];
  /** Rows in which all is given back, and rows in which only what is free already. */
  readonly all: readonly number[];
  readonly free?: readonly number[];
}

/** Idle ten seconds after the start. */
const started: TenSeconds = idle(150);

const cases: readonly Case[] = [
  { title: "ten seconds after the start", script: [started, idle(107)], all: [0] },
  {
    title: "ten seconds after what the start has to do",
    script: [busy(200), busy(200), idle(200), idle(200)],
    all: [2],
  },
  { title: "not while it works", script: rows(12, busy(255)), all: [] },
  {
    title: "thirty seconds after the last work",
    script: [started, busy(250), idle(250), idle(250), idle(250), idle(100)],
    all: [0, 4],
  },
  { title: "once, while nothing grows", script: [started, ...rows(20, idle(107))], all: [0] },
  {
    title: "again when it grew by 8 MiB",
    script: [started, ...rows(3, idle(107.9)), idle(108)],
    all: [0, 4],
  },
  {
    title: "growth is counted from the least since",
    script: [started, ...rows(3, idle(80)), idle(88)],
    all: [0, 4],
  },
  {
    title: "only what is free while it works, from 256 MiB on",
    script: [busy(255), busy(256), busy(200)],
    all: [],
    free: [1],
  },
  {
    title: "what is free again when 32 MiB are held more",
    script: [busy(400), busy(351), busy(352)],
    all: [],
    free: [0, 2],
  },
  {
    title: "what is free, each minute of work",
    script: [busy(400), ...rows(6, busy(351)), ...rows(6, busy(312))],
    all: [],
    free: [0, 6, 12],
  },
];
for (const { title, script, all, free = [] } of cases) {
  test(`memory is given back: ${title}`, async () => {
    assert.deepEqual(await returnsIn(script), { all, free });
  });
}

test("the system tells what a process holds and uses, and takes back what is free", () => {
  assert.ok(systemProcessMemory.rssBytes() > MiB);
  assert.ok(systemProcessMemory.cpuMs() > 0);
  systemProcessMemory.trim();
  const externalBytes = systemProcessMemory.externalBytes();
  systemProcessMemory.collectSoon();
  assert.ok(systemProcessMemory.externalBytes() < externalBytes + MiB, "nothing stays of it");
});
