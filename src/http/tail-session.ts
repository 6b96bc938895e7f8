import { messageOf, nsPerMs } from "#base";
import type { Limits } from "#config";
import type { LogExpr } from "#logql";
import { type EntryBatch, Labels } from "#model";
import { compilePipeline, type Pipeline, type Row } from "#pipeline";
import type { StreamResult } from "#query";
import type { WebSocket } from "ws";
import type { HttpPorts } from "./ports.ts";
import { tailBlocks } from "./tail-block.ts";
import { TailClient, type TailClientOptions } from "./tail-client.ts";
import type { FrameWriter, TailEntry } from "./tail-frame.ts";
import { TailQueue, type WaitingEntry } from "./tail-queue.ts";

const entriesPerFrameMax = 100;
/** The websocket's code for "the server cannot go on". */
const internalErrorCode = 1011;
/** RFC 6455: a control frame has 125 bytes, two of which are the code. */
const reasonBytesMax = 123;

export interface TailRequest {
  readonly tenant: string;
  readonly text: string;
  /** A selector and its stages. */
  readonly log: LogExpr;
  readonly fromNs: bigint;
  readonly limit: number;
  /** Entries are held back this long and sent in order of time. */
  readonly delayMs: number;
  readonly categorize: boolean;
  readonly limits: Limits;
  readonly frame: FrameWriter;
}

/** A websocket and what it runs over. */
export type Connected = Pick<TailClientOptions, "socket" | "connection">;

/**
 * One client that tails: what is stored already since the start, then what is accepted, without a
 * gap and nothing twice. The subscription begins before history is read; what history has found is
 * then left out of what arrived meanwhile.
 */
export class TailSession {
  readonly #request: TailRequest;
  readonly #socket: WebSocket;
  readonly #client: TailClient;
  readonly #ports: HttpPorts;
  readonly #pipeline: Pipeline;
  readonly #queue = new TailQueue();
  readonly #ended = new AbortController();
  readonly #stops: (() => void)[] = [];
  #hasHistory = false;
  #isSending = false;
  #cancelDrain: (() => void) | undefined;

  constructor(request: TailRequest, connected: Connected, ports: HttpPorts) {
    this.#request = request;
    this.#socket = connected.socket;
    this.#ports = ports;
    this.#client = new TailClient({ ...connected, ...ports });
    this.#pipeline = compilePipeline(request.log, {
      labelsWanted: "all",
      lineWanted: "bytes",
      unwrap: undefined,
      nowNs: () => ports.clock.nowNs(),
    });
  }

  /** Resolves when the client is gone or was sent away. */
  async run(): Promise<void> {
    const { signal } = this.#ended;
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#listen();
    try {
      await this.#sendHistory();
    } catch (error) {
      if (!signal.aborted) this.close(messageOf(error));
    }
    await ended;
    for (const stop of this.#stops) stop();
    this.#cancelDrain?.();
    this.#queue.clear();
  }

  /** Ends the tail and tells the client why. */
  close(reason: string, code: number = internalErrorCode): void {
    closeSocket(this.#socket, reason, code);
    this.#ended.abort();
  }

  #listen(): void {
    const { clock, tails, tailMaxDurationMs } = this.#ports;
    this.#socket.on("close", () => this.#ended.abort());
    this.#client.watch();
    this.#stops.push(tails.subscribe(this.#request.tenant, (batch) => this.#onBatch(batch)));
    if (tailMaxDurationMs > 0) {
      const end = (): void => this.close("reached tail max duration limit");
      this.#stops.push(clock.schedule(tailMaxDurationMs, end));
    }
  }

  async #sendHistory(): Promise<void> {
    const { clock, engine } = this.#ports;
    const { tenant, text, fromNs, limit, categorize, limits } = this.#request;
    // Clocks differ: entries may be stored that are a little ahead of ours.
    const untilNs = clock.nowNs() + BigInt(limits.creationGracePeriodMs) * nsPerMs;
    const result = await engine.run({
      tenants: [tenant],
      text,
      kind: "range",
      fromNs,
      toNs: untilNs > fromNs ? untilNs : fromNs,
      stepNs: undefined,
      intervalNs: 0n,
      limit,
      direction: "backward",
      categorizeLabels: categorize,
      limits,
      signal: this.#ended.signal,
    });
    const streams = result.data.kind === "streams" ? result.data.streams : [];
    this.#queue.putHistory(this.#historyOf(streams));
    this.#hasHistory = true;
    this.#drain();
  }

  /** Oldest first. */
  #historyOf(streams: readonly StreamResult[]): WaitingEntry[] {
    const found: { position: number; waiting: WaitingEntry }[] = [];
    for (const stream of streams) {
      const all = Labels.of(stream.labels);
      const labels = this.#request.categorize ? Labels.of(stream.streamLabels) : all;
      const { structuredMetadata, parsed } = stream;
      for (const { timeNs, line, position } of stream.entries) {
        const entry = { timeNs, line, labels, structuredMetadata, parsed };
        const key = keyOf(timeNs, all, line);
        found.push({ position, waiting: { entry, key, arrivedMs: Number.NEGATIVE_INFINITY } });
      }
    }
    return found.sort((a, b) => b.position - a.position).map(({ waiting }) => waiting);
  }

  #onBatch(batch: EntryBatch): void {
    const arrivedMs = this.#ports.clock.monotonicMs();
    try {
      for (const block of tailBlocks(batch, this.#request.log.matchers)) {
        const hidden = this.#ports.tails.hiddenRows?.(this.#request.tenant, block);
        this.#pipeline.run(block, shownRows(hidden), (row) => {
          this.#queue.add({ ...this.#entryOf(row), arrivedMs });
          return true;
        });
      }
    } catch (error) {
      this.close(messageOf(error));
      return;
    }
    this.#drain();
  }

  #entryOf(row: Row): { entry: TailEntry; key: string } {
    const timeNs = row.block.baseNs + BigInt(row.block.offsets[row.index]!);
    const line = row.line();
    // The key is only looked at until history is there.
    const key = this.#hasHistory ? "" : keyOf(timeNs, row.labels(), line);
    const entry = {
      timeNs,
      line,
      labels: this.#labelsOf(row),
      structuredMetadata: [...row.structuredMetadata()],
      parsed: [...row.parsedLabels()],
    };
    return { entry, key };
  }

  /** As Loki: a tail without stages shows the stream's labels alone, without the metadata. */
  #labelsOf(row: Row): Labels {
    if (this.#request.categorize) return row.streamLabels();
    return this.#pipeline.isIdentity ? row.stored : row.labels();
  }

  /** Sends what is due, one frame at a time: the next goes when the last has left. */
  #drain(): void {
    if (!this.#hasHistory || this.#isSending || this.#ended.signal.aborted) return;
    const { delayMs, frame } = this.#request;
    const untilMs = this.#ports.clock.monotonicMs() - delayMs;
    const entries = this.#queue.take(entriesPerFrameMax, { untilMs, byTime: delayMs > 0 });
    if (entries.length === 0) {
      this.#drainLater(untilMs);
      return;
    }
    this.#isSending = true;
    this.#client.send(frame(entries, this.#queue.takeDropped()), () => {
      this.#isSending = false;
      this.#drain();
    });
  }

  #drainLater(untilMs: number): void {
    const { oldestMs } = this.#queue;
    this.#cancelDrain?.();
    this.#cancelDrain = undefined;
    if (oldestMs === undefined) return;
    this.#cancelDrain = this.#ports.clock.schedule(oldestMs - untilMs, () => this.#drain());
  }
}

function keyOf(timeNs: bigint, labels: Labels, line: string): string {
  return `${timeNs}\ud802${labels.key}\ud802${line}`;
}

/** Closes with as much of the reason as fits. */
export function closeSocket(
  socket: WebSocket,
  reason: string,
  code: number = internalErrorCode,
): void {
  let bytes = Buffer.from(reason);
  if (bytes.length > reasonBytesMax) {
    bytes = bytes.subarray(0, reasonBytesMax);
    while ((bytes.at(-1)! & 0xc0) === 0x80) bytes = bytes.subarray(0, -1);
    if (bytes.at(-1)! >= 0xc0) bytes = bytes.subarray(0, -1);
  }
  socket.close(code, bytes);
}

/** Undefined: all of them. */
function shownRows(hidden: Uint16Array | undefined): Uint32Array | undefined {
  if (hidden === undefined) return undefined;
  const rows: number[] = [];
  for (const [row, mark] of hidden.entries()) if (mark === 0) rows.push(row);
  return Uint32Array.from(rows);
}
