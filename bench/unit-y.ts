/**
 * Y, the unit that makes times of different machines comparable: how long `zstd -dc FILE | grep -c
 * -F absent` takes over all lines of the corpus, compressed by `zstd -1`. It is what reading
 * everything costs at least. Without the two programs it is emulated by node:zlib and said so.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import zlib from "node:zlib";
import { type Corpus, readRequest } from "./corpus.ts";

export interface UnitY {
  /** Median wall time of reading. */
  readonly ms: number;
  readonly compressMs: number;
  readonly compressedMiB: number;
  /** MiB of lines per second of CPU: decompressing alone, and searching alone. */
  readonly decompressMiBPerSecond: number;
  readonly scanMiBPerSecond: number;
  readonly isEmulated: boolean;
}

const mebibyte = 1024 * 1024;
const runs = 5;
const absent = "this-string-is-nowhere-8c1f";
/** Of the pieces that are read at once when the machine's own limit is measured. */
const pieceBytes: number = mebibyte;

export function measureUnitY(corpus: Corpus, path: string): UnitY {
  const pieces = writeLines(corpus, path);
  const limit = measureLimit(pieces);
  const isEmulated =
    spawnSync("zstd", ["--version"]).status !== 0 || spawnSync("grep", ["--version"]).status !== 0;
  try {
    const times = isEmulated ? emulate(pieces) : measureTools(path);
    return { ...times, ...limit, isEmulated };
  } finally {
    rmSync(path, { force: true });
    rmSync(`${path}.zst`, { force: true });
  }
}

function writeLines(corpus: Corpus, path: string): Buffer[] {
  const file = openSync(path, "w");
  const newline = Buffer.from("\n");
  const pieces: Buffer[] = [];
  let piece: Buffer[] = [];
  let size = 0;
  for (const request of corpus.requests) {
    for (const { entries } of readRequest(request)) {
      for (const { line } of entries) {
        piece.push(line, newline);
        size += line.length + 1;
      }
      if (size < pieceBytes) continue;
      pieces.push(Buffer.concat(piece));
      writeSync(file, pieces.at(-1)!);
      piece = [];
      size = 0;
    }
  }
  if (size > 0) {
    pieces.push(Buffer.concat(piece));
    writeSync(file, pieces.at(-1)!);
  }
  closeSync(file);
  return pieces;
}

type ToolTimes = Pick<UnitY, "ms" | "compressMs" | "compressedMiB">;

function measureTools(path: string): ToolTimes {
  const compressMs = timed(() => {
    spawnSync("zstd", ["-1", "-q", "-f", path, "-o", `${path}.zst`]);
  });
  const size = Number(spawnSync("stat", ["-c", "%s", `${path}.zst`]).stdout.toString());
  const command = `zstd -dc '${path}.zst' | grep -c -F '${absent}'`;
  const times = Array.from({ length: runs }, () => timed(() => spawnSync("sh", ["-c", command])));
  return { ms: median(times), compressMs, compressedMiB: size / mebibyte };
}

function emulate(pieces: readonly Buffer[]): ToolTimes {
  let frames: Buffer[] = [];
  const compressMs = timed(() => {
    frames = pieces.map((piece) => compressed(piece));
  });
  const times = Array.from({ length: runs }, () =>
    timed(() => {
      for (const frame of frames) zlib.zstdDecompressSync(frame).indexOf(absent);
    }),
  );
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
  return { ms: median(times), compressMs, compressedMiB: bytes / mebibyte };
}

function compressed(piece: Buffer): Buffer {
  return zlib.zstdCompressSync(piece, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 },
    pledgedSrcSize: piece.length,
  });
}

function measureLimit(
  pieces: readonly Buffer[],
): Pick<UnitY, "decompressMiBPerSecond" | "scanMiBPerSecond"> {
  const some = pieces.slice(0, 64);
  const mib = some.reduce((sum, piece) => sum + piece.length, 0) / mebibyte;
  const frames = some.map((piece) => ({ frame: compressed(piece), length: piece.length }));
  const decompress = Array.from({ length: runs }, () =>
    timed(() => {
      for (const { frame, length } of frames) {
        zlib.zstdDecompressSync(frame, { chunkSize: Math.max(64, length) });
      }
    }),
  );
  const scan = Array.from({ length: runs }, () =>
    timed(() => {
      for (const piece of some) piece.indexOf(absent);
    }),
  );
  return {
    decompressMiBPerSecond: mib / (median(decompress) / 1000),
    scanMiBPerSecond: mib / (median(scan) / 1000),
  };
}

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
