/** How far a long download is: a line on stderr that renews itself, on a terminal only. */
import type { CliIo } from "./cli-io.ts";

const barColumns = 24;
const refreshMs = 200;
const clearLine = "\r\u001b[K";

export interface Progress {
  /** From 0 to 1; undefined when the end is not known. */
  readonly share: number | undefined;
  readonly entryCount: number;
}

export class ProgressBar {
  readonly #io: CliIo;
  readonly #isOn: boolean;
  readonly #startMs: number;
  #shownMs = Number.NEGATIVE_INFINITY;

  constructor(io: CliIo, { isOn }: { isOn: boolean }) {
    this.#io = io;
    this.#isOn = isOn && io.stderr.isTerminal;
    this.#startMs = io.clock.monotonicMs();
  }

  async show(progress: Progress): Promise<void> {
    const nowMs = this.#io.clock.monotonicMs();
    if (!this.#isOn || nowMs - this.#shownMs < refreshMs) return;
    this.#shownMs = nowMs;
    const text = progressText(progress, nowMs - this.#startMs);
    await this.#io.stderr.write(`${clearLine}${text.slice(0, this.#io.stderr.columns - 1)}`);
  }

  /** The line is the terminal's again. */
  async clear(): Promise<void> {
    if (this.#shownMs > Number.NEGATIVE_INFINITY) await this.#io.stderr.write(clearLine);
  }
}

/** `████▌       38 %  12,000 entries  4,000/s  about 1m20s left`. */
export function progressText({ share, entryCount }: Progress, spentMs: number): string {
  const seconds = Math.max(0.001, spentMs / 1000);
  const count = entryCount.toLocaleString("en");
  const rate = Math.round(entryCount / seconds).toLocaleString("en");
  const facts = `${count} entries  ${rate}/s`;
  if (share === undefined) return facts;
  const part = Math.min(1, Math.max(0, share));
  const bar = "█".repeat(Math.round(part * barColumns)).padEnd(barColumns, "░");
  const left = part > 0.02 ? `  about ${spanText(seconds / part - seconds)} left` : "";
  const percent = String(Math.floor(part * 100)).padStart(3);
  return `${bar} ${percent} %  ${facts}${left}`;
}

function spanText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${Math.ceil(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${Math.ceil((seconds % 3600) / 60)}m`;
}
