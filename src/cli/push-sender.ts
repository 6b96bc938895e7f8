/**
 * Sends batches, a few at the same time, and keeps count of what was accepted and what was not.
 *
 * While all goes well, requests overlap. What may pass (429, 5xx, no connection) is tried again one
 * batch after the other, in order: a server that is over its limit is not asked four times at once,
 * and no batch starves behind luckier ones.
 */
import { second } from "#base";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { type HttpClient, RequestFailure } from "./http-client.ts";
import type { PushBatch } from "./push-batch.ts";

/** Hides the time a request takes without asking much of a server. */
const requestsInFlightMax = 4;

/** LogCLI's default of 0 suits queries; a push that gives up loses lines. */
const retriesDefault = 10;

/** Statuses that every further batch would get, too. */
const hopelessStatuses: ReadonlySet<number> = new Set([401, 403, 404, 405]);

/** A limit is met again and again; saying it once in a while is enough. */
const noteEveryMs: number = 10 * second;

/** Refusals name every entry; the beginning says why. */
const notedLengthMax = 200;

export class PushSender {
  readonly #client: HttpClient;
  readonly #io: CliIo;
  readonly #note: (text: string) => Promise<void>;
  readonly #inFlight = new Set<Promise<void>>();
  /** Resolves when no batch is tried again. */
  #trouble: Promise<void> = Promise.resolve();
  #fatal: unknown;
  #noted: { readonly status: number; readonly atMs: number } | undefined;
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
    const failure = await this.#try(batch);
    if (failure === undefined) return;
    const persisting = this.#trouble.then(() => this.#persist(batch, failure));
    this.#trouble = persisting.catch(() => undefined);
    await persisting;
  }

  /** Gives the failure when it may pass; handles or throws any other. */
  async #try(batch: PushBatch): Promise<RequestFailure | undefined> {
    try {
      await this.#client.send({
        method: "POST",
        path: "/loki/api/v1/push",
        headers: { "Content-Type": "application/x-protobuf" },
        body: batch.body,
        retries: 0,
      });
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      if (error.isPassing) return error;
      await this.#refused(batch, error);
      return undefined;
    }
    this.sentEntryCount += batch.entryCount;
    this.sentLineBytes += batch.lineBytes;
    return undefined;
  }

  async #persist(batch: PushBatch, first: RequestFailure): Promise<void> {
    const retries = this.#client.connection.retries || retriesDefault;
    let failure: RequestFailure | undefined = first;
    for (let attempt = 0; attempt < retries && this.#fatal === undefined; attempt++) {
      const waitMs = failure.retryAfterMs ?? this.#client.backoffMs(attempt);
      await this.#tell(failure);
      await this.#io.clock.sleep(waitMs, this.#io.interrupted);
      failure = await this.#try(batch);
      if (failure === undefined) return;
    }
    await this.#refused(batch, failure);
  }

  async #tell(failure: RequestFailure): Promise<void> {
    const atMs = this.#io.clock.monotonicMs();
    const { status } = failure;
    if (this.#noted?.status === status && atMs - this.#noted.atMs < noteEveryMs) return;
    this.#noted = { status, atMs };
    const why = failure.message.split("\n", 1).join("").slice(0, notedLengthMax);
    const what = status === 0 ? why : `${status}: ${why}`;
    await this.#note(`sending again after ${what}`);
  }

  async #refused(batch: PushBatch, failure: RequestFailure): Promise<void> {
    if (failure.status === 0 || hopelessStatuses.has(failure.status)) throw failure;
    this.failedBatchCount++;
    // A 400 may have refused only some entries: its text says which.
    await this.#io.stderr.line(`${batch.where}: ${failure.status}: ${failure.message}`);
  }
}

export function pushFailure(sender: PushSender): CliError {
  const batches = sender.failedBatchCount === 1 ? "batch was" : "batches were";
  return new CliError(`${sender.failedBatchCount} ${batches} refused, in part or in whole`);
}
