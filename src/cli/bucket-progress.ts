import type { CliIo } from "./cli-io.ts";

/** A terminal's line is renewed this often, a log gets a line this often. */
const terminalMs = 200;
const logMs = 10_000;
const clearLine = "\r\u001b[K";

/** Where a long command is, on standard error. */
export class BucketProgress {
  readonly #io: CliIo;
  readonly #isQuiet: boolean;
  #saidMs: number;
  #isShown = false;

  constructor(io: CliIo, isQuiet: boolean) {
    this.#io = io;
    this.#isQuiet = isQuiet;
    this.#saidMs = io.clock.monotonicMs();
  }

  /** Says it when it is time to. */
  at(text: () => string): void {
    if (this.#isQuiet) return;
    const { stderr, clock } = this.#io;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#saidMs < (stderr.isTerminal ? terminalMs : logMs)) return;
    this.#saidMs = nowMs;
    this.#isShown = stderr.isTerminal;
    const line = stderr.isTerminal ? `${clearLine}${text()}` : `${text()}\n`;
    // A terminal that went away is found out by the writes that matter.
    stderr.write(line).catch(() => undefined);
  }

  /** Makes room for output on the same terminal. */
  clear(): void {
    if (this.#isShown) this.#io.stderr.write(clearLine).catch(() => undefined);
    this.#isShown = false;
  }
}
