/**
 * An input that never ends stops the thread it runs on; another thread looks from outside, prints
 * the input and ends the process.
 */
import { Worker } from "node:worker_threads";
import type { FuzzTarget } from "./fuzzer.ts";

const headerBytes = 64;
const inputBytesMax = 64 * 1024;
const secondsMax = 20;

/** In the thread: `state` is [number of the input, bytes of the name, bytes of the input]. */
const watcher = `
const { workerData } = require("node:worker_threads");
const { writeSync } = require("node:fs");
const state = new Int32Array(workerData, 0, 3);
let last = -1;
let seconds = 0;
setInterval(() => {
  const now = Atomics.load(state, 0);
  seconds = now === last && now !== 0 ? seconds + 1 : 0;
  last = now;
  if (seconds < ${secondsMax}) return;
  const bytes = Buffer.from(workerData, ${headerBytes});
  const name = bytes.toString("utf8", 0, state[1]);
  const input = bytes.toString("base64", state[1], state[1] + state[2]);
  writeSync(1, "FAILED: " + name + " does not end: " + input + "\\n");
  process.kill(process.pid, "SIGKILL");
}, 1000);
`;

export interface InputWatch extends AsyncDisposable {
  readonly onInput: (target: FuzzTarget, input: Buffer) => void;
}

export function watchInputs(): InputWatch {
  const shared = new SharedArrayBuffer(headerBytes + inputBytesMax);
  const state = new Int32Array(shared, 0, 3);
  const room = Buffer.from(shared, headerBytes);
  const worker = new Worker(watcher, { eval: true, workerData: shared });
  worker.unref();
  return {
    onInput: ({ name }, input) => {
      state[1] = room.write(name);
      state[2] = input.copy(room, state[1]);
      Atomics.add(state, 0, 1);
    },
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
