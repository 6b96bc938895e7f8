import { isStoreError, messageOf, watchQueue, type QueueFigures } from "#base";
import type { Logger, Metrics } from "#telemetry";
import type { Clock, FileHandle, Files } from "#world";

/** One thing that somebody did, or tried to. Never a secret, never the text of a query. */
export interface AuditEvent {
  readonly event: "login" | "logout" | "delete" | "rules" | "admin" | "refused" | "withdrawn";
  readonly outcome: "ok" | "failed";
  /** Name of the credential; empty when nobody said who asks. */
  readonly actor?: string;
  readonly tenant?: string;
  readonly address?: string;
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly reason?: string;
}

export interface AuditOptions {
  /** A log that no level turns off. */
  readonly log: Pick<Logger, "info" | "error">;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Lines of JSON are appended to it, besides. */
  readonly file?: { readonly path: string; readonly files: Files };
}

/** Texts come from clients: longer ones are cut. */
const textLengthMax = 512;
/** Waiting for the disk; what comes beyond is in the process's log only, and counted. */
const pendingBytesMax = 4 * 1024 * 1024;
/** Failed logins a second that are told one by one; the others are counted into the next line. */
const failuresPerSecondMax = 20;

/** What may break lines or steer terminals, also where a reader takes Unicode's line ends for one. */
const controls = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Who did what: lines with `audit=true` in the process's log, and a file of their own if wanted. */
export class Audit {
  readonly #options: AuditOptions;
  #pending: string[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #fileFailed = false;
  #failures = { secondStartMs: 0, count: 0, untold: 0 };

  constructor(options: AuditOptions) {
    this.#options = options;
    watchQueue("audit_lines", this, (one) => one.#waitingFigures);
  }

  get #waitingFigures(): QueueFigures {
    return { length: this.#pending.length, bytes: this.#pendingBytes };
  }

  record(event: AuditEvent): void {
    const untold = event.outcome === "failed" ? this.#crowd() : 0;
    if (untold === undefined) return;
    const { log, clock, file } = this.#options;
    const fields: Record<string, string | number | boolean> = { audit: true };
    for (const [name, value] of Object.entries(event) as [string, string | number][]) {
      if (value === "" || value === undefined) continue;
      fields[name] = typeof value === "string" ? safeText(value) : value;
    }
    if (untold > 0) fields["untold"] = untold;
    log.info("audit", fields);
    if (file === undefined) return;
    const { audit: _, ...rest } = fields;
    this.#append(`${JSON.stringify({ time: new Date(clock.nowMs()).toISOString(), ...rest })}\n`);
  }

  /** Resolves when all that was recorded is in the file, or could not be written. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Undefined: too many failures at once, not told; else how many were not told before. */
  #crowd(): number | undefined {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#failures.secondStartMs >= 1000) {
      const { untold } = this.#failures;
      this.#failures = { secondStartMs: nowMs, count: 1, untold: 0 };
      return untold;
    }
    this.#failures.count++;
    if (this.#failures.count <= failuresPerSecondMax) return 0;
    this.#failures.untold++;
    return undefined;
  }

  #append(line: string): void {
    if (this.#pendingBytes + line.length > pendingBytesMax) {
      this.#lost().inc();
      return;
    }
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      try {
        await this.#writeLines(lines);
        this.#fileFailed = false;
      } catch (error) {
        if (!isStoreError(error)) throw error;
        this.#lost().inc(lines.length);
        const reason = messageOf(error);
        if (!this.#fileFailed) this.#options.log.error("audit file cannot be written", { reason });
        this.#fileFailed = true;
      }
    }
  }

  /** Opened each time: whoever rotates the file finds it closed and may move it away. */
  async #writeLines(lines: readonly string[]): Promise<void> {
    const { file } = this.#options;
    if (file === undefined) return;
    const options = { create: true, exclusive: false };
    await using handle: FileHandle = await file.files.open(file.path, options);
    await handle.write([Buffer.from(lines.join(""))], await handle.sizeBytes());
    await handle.sync();
  }

  #lost() {
    return this.#options.metrics.counter(
      "skald_audit_lines_lost_total",
      "Audit lines that could not be written to the audit file; the log has them.",
    );
  }
}

function safeText(text: string): string {
  return text
    .slice(0, textLengthMax)
    .replace(controls, (char) => `\\u${char.codePointAt(0)?.toString(16).padStart(4, "0")}`);
}
