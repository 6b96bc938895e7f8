/**
 * Samples on their way to remote write endpoints. What was accepted is in a journal before
 * `write` resolves, is sent in order for each tenant and endpoint, and leaves the journal once the
 * endpoint took or finally refused it.
 *
 * What waits is in memory, too, bounded by bytes and by age; past either the oldest go, counted.
 */
import { messageOf, MiB, StoreError } from "#base";
import { compressSnappyBlock } from "#codec";
import type { Journal } from "#journal";
import type { Logger, Metrics } from "#telemetry";
import { BackgroundTasks, type Clock, type Random } from "#world";
import { backoffMs } from "./backoff.ts";
import { isWorthRetrying, type PostHttp, splitUserInfo, type TlsFiles } from "./outgoing-http.ts";
import { relabel, type RelabelRule } from "./relabel.ts";
import type { OutgoingSample } from "./rule-context.ts";
import { decodeWriteRecord, encodeSentRecord, encodeWriteRecord } from "./write-record.ts";
import { encodeWriteRequest } from "./write-request.ts";

export interface RemoteWriteClient {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsFiles | undefined;
  readonly timeoutMs: number;
  readonly relabel: readonly RelabelRule[];
  readonly samplesPerSendMax: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Is a 429 a reason to try again? Else the samples are dropped. */
  readonly retriesRateLimit: boolean;
}

export interface RemoteWriterOptions {
  /** The endpoints of a tenant; asked each time, so that it may follow changes. */
  readonly clientsOf: (tenant: string) => readonly RemoteWriteClient[];
  readonly journal: Journal;
  /** ruler.wal.max_age: samples older than this are not sent any more. */
  readonly ageMaxMs: number;
  readonly post: PostHttp;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Bytes that wait in memory for one endpoint of one tenant: hours of thousands of series. */
const waitingBytesMax: number = 64 * MiB;
/** Bytes of one request before compression. */
const requestBytesMax: number = 4 * MiB;

interface Waiting {
  readonly sequence: number;
  readonly sampleCount: number;
  readonly timeMs: number;
  readonly body: Buffer;
}

interface Queue {
  readonly tenant: string;
  readonly client: string;
  waiting: Waiting[];
  bytes: number;
  isSending: boolean;
}

export class RemoteWriter {
  readonly #options: RemoteWriterOptions;
  readonly #tasks: BackgroundTasks;
  readonly #queues = new Map<string, Queue>();
  readonly #meters: ReturnType<typeof writerMetrics>;

  constructor(options: RemoteWriterOptions) {
    this.#options = options;
    this.#tasks = new BackgroundTasks({
      onFailure: ({ error }) =>
        options.log.error("remote write stopped", { reason: messageOf(error) }),
    });
    this.#meters = writerMetrics(options.metrics, () => this.samplesWaiting);
  }

  get samplesWaiting(): number {
    let sum = 0;
    for (const { waiting } of this.#queues.values()) {
      for (const { sampleCount } of waiting) sum += sampleCount;
    }
    return sum;
  }

  /** Reads what was not sent before the restart. Once, before the first `write`. */
  async replay(): Promise<void> {
    const { journal, log } = this.#options;
    for await (const { sequence, body } of journal.replay(1)) {
      try {
        const record = decodeWriteRecord(body, sequence);
        if ("body" in record) this.#enqueue(record.tenant, record.client, { sequence, ...record });
        else this.#forget(record.tenant, record.client, record.sentSequence);
      } catch (error) {
        log.error("a record of remote write is left out", { reason: messageOf(error) });
      }
    }
    for (const queue of this.#queues.values()) this.#startSending(queue);
  }

  writesSamples(tenant: string): boolean {
    return this.#options.clientsOf(tenant).length > 0;
  }

  /** Throws StoreError when the journal cannot take the samples. */
  async write(tenant: string, samples: readonly OutgoingSample[]): Promise<void> {
    const appends = this.#options.clientsOf(tenant).map(async (client) => {
      const kept = samples.flatMap((sample) => relabelled(sample, client.relabel) ?? []);
      if (kept.length === 0) return;
      const body = encodeWriteRequest(kept);
      const timeMs = kept[0]?.timeMs ?? 0;
      const entry = { sampleCount: kept.length, timeMs, body };
      const record = encodeWriteRecord({ tenant, client: client.name, ...entry });
      let queue: Queue | undefined;
      await this.#options.journal.append(record, (sequence) => {
        queue = this.#enqueue(tenant, client.name, { sequence, ...entry });
      });
      if (queue !== undefined) this.#startSending(queue);
    });
    const results = await Promise.allSettled(appends);
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) return;
    throw new StoreError("unavailable", `samples are lost: ${messageOf(failed.reason)}`);
  }

  #enqueue(tenant: string, client: string, entry: Waiting): Queue {
    const place = JSON.stringify([tenant, client]);
    let queue = this.#queues.get(place);
    if (queue === undefined) {
      queue = { tenant, client, waiting: [], bytes: 0, isSending: false };
      this.#queues.set(place, queue);
    }
    const { sequence, sampleCount, timeMs, body } = entry;
    queue.waiting.push({ sequence, sampleCount, timeMs, body });
    queue.bytes += body.length;
    while (queue.bytes > waitingBytesMax) this.#drop(queue, 1, "too many bytes wait");
    return queue;
  }

  /** Sent before the restart. */
  #forget(tenant: string, client: string, sentSequence: number): void {
    const queue = this.#queues.get(JSON.stringify([tenant, client]));
    if (queue === undefined) return;
    const count = queue.waiting.findIndex(({ sequence }) => sequence > sentSequence);
    this.#take(queue, count < 0 ? queue.waiting.length : count);
  }

  #drop(queue: Queue, count: number, reason: string): void {
    const dropped = this.#take(queue, count);
    const samples = sampleCountOf(dropped);
    const { tenant, client } = queue;
    this.#meters.dropped.inc({ tenant, client }, samples);
    this.#options.log.error("samples dropped", { tenant, client, samples, reason });
  }

  /** Removes the oldest. */
  #take(queue: Queue, count: number): Waiting[] {
    const taken = queue.waiting.splice(0, count);
    for (const { body } of taken) queue.bytes -= body.length;
    return taken;
  }

  #startSending(queue: Queue): void {
    if (queue.isSending || queue.waiting.length === 0) return;
    queue.isSending = true;
    this.#tasks.spawn("remote write", async (signal) => {
      try {
        await this.#sendAll(queue, signal);
      } finally {
        queue.isSending = false;
        if (queue.waiting.length > 0) this.#startSending(queue);
        else this.#queues.delete(JSON.stringify([queue.tenant, queue.client]));
      }
    });
  }

  async #sendAll(queue: Queue, signal: AbortSignal): Promise<void> {
    const { clock, clientsOf, ageMaxMs } = this.#options;
    let failures = 0;
    while (queue.waiting.length > 0) {
      const oldestMs = clock.nowMs() - ageMaxMs;
      const oldCount = queue.waiting.findIndex(({ timeMs }) => timeMs >= oldestMs);
      const tooOld = oldCount < 0 ? queue.waiting.length : oldCount;
      if (tooOld > 0) this.#drop(queue, tooOld, "older than ruler.wal.max_age");
      const client = clientsOf(queue.tenant).find(({ name }) => name === queue.client);
      if (client === undefined) this.#drop(queue, queue.waiting.length, "there is no such client");
      else if (queue.waiting.length > 0) {
        failures = (await this.#sendBatch(queue, client, { failures, signal })) ? 0 : failures + 1;
      }
      if (failures === 0) await this.#truncate();
    }
  }

  /** True when the batch is off the queue; else the pause before the next try is over. */
  async #sendBatch(
    queue: Queue,
    client: RemoteWriteClient,
    { failures, signal }: { readonly failures: number; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { clock, random, log, post } = this.#options;
    const batch = batchOf(queue.waiting, client.samplesPerSendMax);
    const samples = sampleCountOf(batch);
    const labels = { tenant: queue.tenant, client: queue.client };
    let failure: string;
    let waitMs: number | undefined;
    try {
      const { status, text, retryAfterMs } = await post(requestOf(batch, client, signal));
      if (status >= 200 && status < 300) {
        this.#meters.sent.inc(labels, samples);
        await this.#removeSent(queue, batch);
        return true;
      }
      failure = `status ${status}: ${text}`;
      const isFinal = !isWorthRetrying(status) || (status === 429 && !client.retriesRateLimit);
      if (isFinal) {
        this.#meters.failed.inc(labels, samples);
        log.error("samples were refused", { ...labels, samples, reason: failure });
        await this.#removeSent(queue, batch);
        return true;
      }
      waitMs = retryAfterMs;
    } catch (error) {
      signal.throwIfAborted();
      failure = messageOf(error);
    }
    this.#meters.retried.inc(labels, samples);
    if (failures === 0)
      log.warn("samples wait: the endpoint failed", { ...labels, reason: failure });
    const limits = { minMs: client.minBackoffMs, maxMs: client.maxBackoffMs };
    await clock.sleep(waitMs ?? backoffMs(failures + 1, limits, random), signal);
    return false;
  }

  /** Only what was sent: the oldest may have been dropped meanwhile. */
  async #removeSent(queue: Queue, batch: readonly Waiting[]): Promise<void> {
    const { journal, log } = this.#options;
    const { tenant, client } = queue;
    const sentSequence = batch.at(-1)?.sequence ?? 0;
    this.#forget(tenant, client, sentSequence);
    try {
      await journal.append(encodeSentRecord({ tenant, client, sentSequence }), () => undefined);
    } catch (error) {
      // It is sent once more after a restart, which does no harm.
      log.warn("what was written remotely is not noted", { reason: messageOf(error) });
    }
  }

  async #truncate(): Promise<void> {
    const { journal, log } = this.#options;
    let before = journal.lastSequence + 1;
    for (const { waiting } of this.#queues.values()) {
      before = Math.min(before, waiting[0]?.sequence ?? before);
    }
    try {
      await journal.truncate(before);
    } catch (error) {
      log.warn("the journal of remote write keeps old files", { reason: messageOf(error) });
    }
  }

  /** Stops sending and closes the journal; what waits is sent after the next start. */
  async close(): Promise<void> {
    await this.#tasks.stop();
    await this.#options.journal.close();
  }
}

function relabelled(
  sample: OutgoingSample,
  rules: readonly RelabelRule[],
): OutgoingSample | undefined {
  if (rules.length === 0) return sample;
  const labels = relabel(sample.labels, rules);
  return labels === undefined ? undefined : { ...sample, labels };
}

function sampleCountOf(batch: readonly Waiting[]): number {
  return batch.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
}

/** The oldest that fit one request; at least one. */
function batchOf(waiting: readonly Waiting[], samplesMax: number): Waiting[] {
  let samples = 0;
  let bytes = 0;
  let count = 0;
  for (const { sampleCount, body } of waiting) {
    samples += sampleCount;
    bytes += body.length;
    if (count > 0 && (samples > samplesMax || bytes > requestBytesMax)) break;
    count++;
  }
  return waiting.slice(0, count);
}

function requestOf(batch: readonly Waiting[], client: RemoteWriteClient, signal: AbortSignal) {
  const { url, headers } = splitUserInfo(client.url);
  return {
    url,
    headers: {
      "Content-Type": "application/x-protobuf",
      "Content-Encoding": "snappy",
      "X-Prometheus-Remote-Write-Version": "0.1.0",
      ...headers,
      ...client.headers,
    },
    body: compressSnappyBlock(Buffer.concat(batch.map(({ body }) => body))),
    timeoutMs: client.timeoutMs,
    tls: client.tls,
    signal,
  };
}

function writerMetrics(metrics: Metrics, waiting: () => number) {
  const prefix = "loki_ruler_wal_prometheus_remote_storage";
  const counter = (name: string, help: string) =>
    metrics.counter(`${prefix}_${name}`, help, ["tenant", "client"]);
  metrics.observe(`${prefix}_samples_pending`, "Samples that wait to be sent.", waiting);
  return {
    sent: counter("samples_total", "Samples sent."),
    failed: counter("samples_failed_total", "Samples that the endpoint refused."),
    retried: counter("samples_retried_total", "Samples whose sending failed for now."),
    dropped: counter("samples_dropped_total", "Samples given up before they were sent."),
  };
}
