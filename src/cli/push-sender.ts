/** Sends batches, a few at the same time, and keeps count of what was accepted and what was not. */
import type { CliIo } from "./cli-io.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import { type HttpClient, RequestFailure } from "./http-client.ts";
import type { PushBatch } from "./push-batch.ts";

/** Hides the time a request takes without asking much of a server. */
const requestsInFlightMax = 4;

/** LogCLI's default of 0 suits queries; a push that gives up loses lines. */
const retriesDefault = 10;

/** Statuses that every further batch would get, too. */
const hopelessStatuses: ReadonlySet<number> = new Set([401, 403, 404, 405]);

export class PushSender {
  readonly #client: HttpClient;
  readonly #io: CliIo;
  readonly #note: (text: string) => Promise<void>;
  readonly #inFlight = new Set<Promise<void>>();
  #fatal: unknown;
  sentEntryCount = 0;
  sentLineBytes = 0;
  failedBatchCount = 0;

  constructor(client: HttpClient, io: CliIo, note: (text: string) => Promise<void>) {
    this.#client = client;
    this.#io = io;
    this.#note = note;
  }

  get isFull(): boolean {
    return this.#inFlight.size >= requestsInFlightMax;
  }

  /** Starts sending; failures are counted and noted. */
  start(batch: PushBatch): void {
    const sending = this.#send(batch)
      .catch((error: unknown) => {
        this.#fatal ??= error;
      })
      .finally(() => this.#inFlight.delete(sending));
    this.#inFlight.add(sending);
  }

  /** Resolves when there is room for another batch. Throws what makes going on pointless. */
  async room(): Promise<void> {
    while (this.isFull) await Promise.race(this.#inFlight);
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  async finish(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight);
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  async #send(batch: PushBatch): Promise<void> {
    const { retries } = this.#client.connection;
    try {
      await this.#client.send({
        method: "POST",
        path: "/loki/api/v1/push",
        headers: { "Content-Type": "application/x-protobuf" },
        body: batch.body,
        retries: retries === 0 ? retriesDefault : retries,
        onRetry: (failure, waitMs) => {
          const why = failure.status === 0 ? failure.message : `${failure.status}`;
          const seconds = (waitMs / 1000).toFixed(1);
          // What a note cannot say is no reason to stop pushing.
          this.#note(`${batch.where}: ${why}; again in ${seconds} s`).catch(() => undefined);
        },
      });
    } catch (error) {
      await this.#refused(batch, error);
      return;
    }
    this.sentEntryCount += batch.entryCount;
    this.sentLineBytes += batch.lineBytes;
  }

  async #refused(batch: PushBatch, error: unknown): Promise<void> {
    if (error instanceof Interrupted || !(error instanceof RequestFailure)) throw error;
    if (error.status === 0 || hopelessStatuses.has(error.status)) throw error;
    this.failedBatchCount++;
    // A 400 may have refused only some entries: its text says which.
    await this.#io.stderr.line(`${batch.where}: ${error.status}: ${error.message}`);
  }
}

export function pushFailure(sender: PushSender): CliError {
  const batches = sender.failedBatchCount === 1 ? "batch was" : "batches were";
  return new CliError(`${sender.failedBatchCount} ${batches} refused, in part or in whole`);
}
