import { availableParallelism } from "node:os";
import { messageOf, StoreError } from "#base";
import type { LineScan, LineScanner, ScannedLines } from "#segment";
import type { Logger } from "#telemetry";
import { type Clock, ThreadPool } from "#world";

/** More threads than this need more memory bandwidth than machines have. */
const threadsMax = 16;

/** Threads cost some 20 MiB each; a minute without large queries, and they are gone. */
const idleMs = 60_000;

/** Beside this file: its source, or what set-up bundled. */
const entryFile: string = import.meta.url.endsWith(".ts") ? "./scan-thread.ts" : "./scan-thread.js";

export type ScanReply = ScannedLines | { readonly corrupt: string };

/** A scanner on as many threads as the machine has cores, shared by all queries and stores. */
export function openLineScanner(parts: {
  readonly clock: Clock;
  readonly log: Logger;
}): LineScanner & { close(): Promise<void> } {
  const pool = new ThreadPool({
    entry: new URL(entryFile, import.meta.url),
    threadsMax: Math.min(availableParallelism(), threadsMax),
    idleMs,
    clock: parts.clock,
    onFailure: (error) => parts.log.error("a search thread failed", { reason: messageOf(error) }),
  });
  return {
    // Two for each thread, and one that is being consumed.
    scansAtOnce: pool.threadsMax * 2 + 1,
    prepare: () => pool.prepare(),
    scan: async (scan: LineScan, signal) => {
      const { lines, lengths } = scan;
      const parts = [lines.stored, lengths instanceof Uint32Array ? lengths : lengths.stored];
      const transfer = parts.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? buffer : []));
      const reply = (await pool.run(scan, transfer, signal)) as ScanReply | undefined;
      if (reply !== undefined && "corrupt" in reply) throw new StoreError("corrupt", reply.corrupt);
      return reply;
    },
    close: () => pool.close(),
  };
}
