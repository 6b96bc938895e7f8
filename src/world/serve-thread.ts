import { parentPort, type Transferable } from "node:worker_threads";
import type { ThreadReply, ThreadTask } from "./thread-pool.ts";

/** What came of a piece of work, and which of its buffers may be given away. */
export interface ThreadResult {
  readonly result: unknown;
  readonly transfer: readonly Transferable[];
}

/** The whole life of a thread of a ThreadPool: does what it is sent, one piece after the other. */
export function serveThread(handle: (work: unknown) => ThreadResult): void {
  const port = parentPort;
  if (port === null) throw new Error("this file runs as a thread of a ThreadPool only");
  port.on("message", ({ id, work }: ThreadTask) => {
    let reply: ThreadReply;
    let transfer: Transferable[] = [];
    try {
      const done = handle(work);
      reply = { id, result: done.result };
      transfer = [...done.transfer];
    } catch (error) {
      reply = {
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      };
    }
    port.postMessage(reply, transfer);
  });
  port.postMessage("ready");
}
