import type { CliIo } from "./cli-io.ts";
import { formatByteCount } from "./byte-count.ts";
import type { PushSender } from "./push-sender.ts";

const refreshMs = 500;
const clearLine = "\r\u001b[K";

/** How a push goes: a line that renews itself on a terminal, and a summary at the end. */
export class PushProgress {
  readonly #io: CliIo;
  readonly #isQuiet: boolean;
  readonly #startMs: number;
  #sender: PushSender | undefined;
  #cancel: (() => void) | undefined;

  constructor(io: CliIo, isQuiet: boolean) {
    this.#io = io;
    this.#isQuiet = isQuiet;
    this.#startMs = io.clock.monotonicMs();
  }

  start(sender: PushSender): void {
    this.#sender = sender;
    if (this.#io.stderr.isTerminal && !this.#isQuiet) this.#schedule();
  }

  async note(text: string): Promise<void> {
    if (!this.#isQuiet) await this.#io.stderr.line(`${this.#isLive ? clearLine : ""}${text}`);
  }

  async stop(): Promise<void> {
    const wasLive = this.#isLive;
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#isQuiet) return;
    await this.#io.stderr.line(`${wasLive ? clearLine : ""}pushed ${this.#text()}`);
  }

  get #isLive(): boolean {
    return this.#cancel !== undefined;
  }

  #schedule(): void {
    this.#cancel = this.#io.clock.schedule(refreshMs, () => {
      // A terminal that went away is found out by the writes that matter.
      this.#io.stderr.write(`${clearLine}${this.#text()}`).catch(() => undefined);
      this.#schedule();
    });
  }

  #text(): string {
    const { sentEntryCount = 0, sentLineBytes = 0 } = this.#sender ?? {};
    const seconds = Math.max(0.001, (this.#io.clock.monotonicMs() - this.#startMs) / 1000);
    const rate = formatByteCount(Math.round(sentLineBytes / seconds));
    const sizes = `${sentEntryCount} lines, ${formatByteCount(sentLineBytes)}`;
    return `${sizes} in ${seconds.toFixed(1)} s (${rate}/s)`;
  }
}
