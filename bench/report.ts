/** The results as tables for people and as a file for comparisons. */
import type { PushResult } from "./push-load.ts";
import type { QueryResult } from "./run-queries.ts";
import type { UnitY } from "./unit-y.ts";

export interface BenchResults {
  readonly date: string;
  readonly commit: string;
  readonly kind: string;
  readonly node: string;
  readonly cpu: string;
  readonly corpus: Readonly<Record<string, number | string>>;
  readonly y?: UnitY;
  readonly push?: PushResult;
  readonly pushCases?: Readonly<Record<string, PushResult>>;
  readonly store?: StoreResult;
  readonly process?: ProcessResult;
  readonly queries?: readonly QueryResult[];
}

export interface StoreResult {
  readonly storedBytes: number;
  readonly objects: number;
  /** Merged into others, and deleted some minutes later. */
  readonly replacedObjects: number;
  readonly replacedBytes: number;
  /** From the flush until the objects stayed as they were. */
  readonly settleSeconds: number;
  readonly settleCpuSeconds: number;
}

export interface ProcessResult {
  readonly startEmptyMs: number;
  readonly startWithDataMs: number;
  readonly idleRssMiB: number;
  /** Killed right after the last acknowledgement. */
  readonly replayedMiB: number;
  readonly replayMs: number;
  readonly replayMiBPerSecond: number;
}

interface Row {
  readonly what: string;
  readonly value: string;
  readonly target: string;
  readonly isMet: boolean | undefined;
}

const mebibyte = 1024 * 1024;
/** Targets of size are for 256 MiB of lines. */
const referenceMiB = 256;
const storedTargetMiB = 50;
const objectsTarget = 12;
const mibPerCpuSecondTarget = 100;
const rssTargetMiB = 300;

export function printResults(results: BenchResults): void {
  const rows = [...pushRows(results), ...storeRows(results), ...processRows(results)];
  // Targets are Skald's own.
  const isOwn = results.kind === "skald";
  const cells = rows.map(({ what, value, target, isMet }) =>
    isOwn ? [what, value, target, mark(isMet)] : [what, value],
  );
  const head = isOwn ? ["", "measured", "target", ""] : ["", "measured"];
  if (cells.length > 0) printTable(head, cells);
  if (results.queries !== undefined) printQueries(results.queries, results.y, isOwn);
}

function mark(isMet: boolean | undefined): string {
  return isMet === undefined ? "" : isMet ? "ok" : "MISSED";
}

function round(value: number, digits = 1): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}

function plain(what: string, value: string): Row {
  return { what, value, target: "", isMet: undefined };
}

function atMost(what: string, value: number, target: number, unit: string): Row {
  const isMet = Number.isFinite(value) ? value <= target : undefined;
  return { what, value: `${round(value)} ${unit}`, target: `≤ ${round(target)}`, isMet };
}

function pushRows({ push, pushCases = {} }: BenchResults): Row[] {
  const rows: Row[] = [];
  if (push !== undefined) {
    const { mibPerCpuSecond, peakRssMiB } = push;
    rows.push({
      what: "ingest",
      value: `${round(mibPerCpuSecond)} MiB per CPU-second`,
      target: `≥ ${mibPerCpuSecondTarget}`,
      isMet: Number.isFinite(mibPerCpuSecond)
        ? mibPerCpuSecond >= mibPerCpuSecondTarget
        : undefined,
    });
    rows.push(plain("ingest, wall", `${round(push.rawMiB / push.wallSeconds)} MiB/s`));
    rows.push(plain("push latency p50 / p99", `${round(push.p50Ms)} / ${round(push.p99Ms)} ms`));
    rows.push(atMost("peak RSS while ingesting", peakRssMiB, rssTargetMiB, "MiB"));
  }
  for (const [name, result] of Object.entries(pushCases)) {
    const { mibPerCpuSecond, requests, p50Ms, p99Ms, refused, peakRssMiB } = result;
    rows.push(
      plain(
        `push, ${name}`,
        `${round(mibPerCpuSecond)} MiB per CPU-second, ${requests} requests, ` +
          `${round(p50Ms)} / ${round(p99Ms)} ms, ${round(peakRssMiB, 0)} MiB RSS` +
          (refused > 0 ? `, ${refused} REFUSED` : ""),
      ),
    );
  }
  return rows;
}

function storeRows({ store, push }: BenchResults): Row[] {
  if (store === undefined) return [];
  const scale = push === undefined ? 1 : push.rawMiB / referenceMiB;
  const storedMiB = store.storedBytes / mebibyte;
  return [
    atMost("stored, all objects", storedMiB, storedTargetMiB * scale, "MiB"),
    atMost("objects", store.objects, Math.max(objectsTarget, objectsTarget * scale), ""),
    plain(
      "replaced, to be deleted",
      `${round(store.replacedBytes / mebibyte)} MiB in ${store.replacedObjects} objects`,
    ),
    plain(
      "flush and merge",
      `${round(store.settleSeconds)} s, ${round(store.settleCpuSeconds)} CPU-seconds`,
    ),
  ];
}

function processRows({ process }: BenchResults): Row[] {
  if (process === undefined) return [];
  return [
    plain("start, empty", `${round(process.startEmptyMs, 0)} ms`),
    plain("start, with data", `${round(process.startWithDataMs, 0)} ms`),
    plain("idle RSS", `${round(process.idleRssMiB, 0)} MiB`),
    plain(
      "replay after kill -9",
      `${round(process.replayedMiB, 0)} MiB in ${round(process.replayMs, 0)} ms, ` +
        `${round(process.replayMiBPerSecond, 0)} MiB/s`,
    ),
  ];
}

function printQueries(queries: readonly QueryResult[], y: UnitY | undefined, isOwn: boolean): void {
  if (y !== undefined) {
    const how = y.isEmulated ? "emulated by node:zlib" : "zstd -dc | grep -c -F";
    console.log(
      `\nY = ${round(y.ms, 0)} ms (${how}); one core decompresses ` +
        `${round(y.decompressMiBPerSecond, 0)} and searches ` +
        `${round(y.scanMiBPerSecond, 0)} MiB/s`,
    );
  }
  const targetHead = isOwn ? ["target", ""] : [];
  const head = ["query", "min", "median", "max ms", "CPU s", "in Y", ...targetHead, "right"];
  const rows = queries.map((query) => [
    query.name,
    round(query.minMs),
    round(query.medianMs),
    round(query.maxMs),
    round(query.cpuSeconds, 2),
    round(query.inY, 3),
    ...(isOwn ? targetCells(query) : []),
    query.isRight,
    `${query.resultBytes}`,
    `${query.getRequests ?? "–"}`,
    query.fetchedBytes === undefined ? "–" : round(query.fetchedBytes / 1024, 0),
    query.decompressedBytes === undefined ? "–" : round(query.decompressedBytes / mebibyte),
  ]);
  printTable([...head, "bytes", "GETs", "KiB read", "MiB unpacked"], rows);
}

function targetCells({ inY, targetY }: QueryResult): string[] {
  return [`≤ ${targetY}`, mark(Number.isFinite(inY) ? inY <= targetY : undefined)];
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  console.log(line(head));
  console.log(`|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  for (const row of rows) console.log(line(row));
}
