/**
 * Code runs slowly until the engine has compiled what runs often: the first pushes and the first cut
 * of a process would take several times as long as those a second later, just when clients that
 * waited for a restart come all at once. So a process pushes examples to itself first. Nothing of
 * them is kept: journal and store are not asked, and all else is thrown away.
 */
import { compressSnappyBlock, ProtoWriter } from "#codec";
import { defaultLimits, type Limits } from "#config";
import { MemoryObjectStore } from "#objectstore";
import { SegmentScratch, SegmentStore } from "#segment";
import type { LogStore } from "#storage";
import type { Clock, Random } from "#world";
import { BatchMemory } from "./batch-memory.ts";
import { Distributor } from "./distributor.ts";
import { Head, type HeadObserver } from "./head.ts";
import { SegmentPartWriter, type SegmentPartWriterOptions } from "./segment-part-writer.ts";

/** Enough for the compiler; more costs time at each start. */
const pushCount = 8;
const streamCount = 20;
const linesPerStream = 200;
/** Blocks are what is built most often, and a cut of the examples makes but a few. */
const cutCount = 5;

const tenant = "warm-up";
const nsPerSecond = 1_000_000_000n;

const openLimits: Limits = {
  ...defaultLimits,
  rejectOldSamples: false,
  ingestionRateBytesPerSecond: 1e12,
  ingestionBurstBytes: 1e12,
  perStreamRateBytesPerSecond: 0,
  maxGlobalStreamsPerUser: 0,
};

export interface WarmUpParts {
  readonly clock: Clock;
  readonly random: Random;
  /** What else hears of batches and adds to segments; thrown away as the rest. */
  readonly observe?: HeadObserver;
  readonly sectionOf?: SegmentPartWriterOptions["sectionOf"];
}

/** What was cut last, for queries to warm up with: some 300 KiB. */
export interface IngestExamples {
  readonly store: LogStore;
  readonly tenant: string;
  /** Times of the entries: fromNs <= t < toNs. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** Entries that were cut, in all. */
  readonly entryCount: number;
}

/** Decodes, keeps and cuts examples, in a tenth of a second. */
export async function warmUpIngest(parts: WarmUpParts): Promise<IngestExamples> {
  const { clock, random, observe, sectionOf } = parts;
  const head = new Head({ clock, ...(observe === undefined ? {} : { observe }) });
  const memory = new BatchMemory();
  const scratch = new SegmentScratch();
  const distributor = new Distributor({
    limits: { for: () => openLimits },
    memory,
    clock,
    active: head,
    observer: { received: () => undefined, discarded: () => undefined },
    body: { compressedBytesMax: 2 ** 22, rawBytesMax: 2 ** 22 },
  });
  const nowSeconds = Math.floor(clock.nowMs() / 1_000);
  for (let sequence = 1; sequence <= pushCount; sequence++) {
    const { accepted } = distributor.push({
      tenant,
      kind: "loki",
      contentType: "application/x-protobuf",
      contentEncoding: "snappy",
      body: compressSnappyBlock(exampleMessage(nowSeconds - sequence)),
    });
    const { batch } = accepted!;
    head.apply({ tenant, batch, sequence });
    batch.lease?.letGo();
  }
  const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const store = new SegmentStore({ objects });
  const writer = new SegmentPartWriter({
    objects,
    segments: store,
    scratch,
    clock,
    random,
    journalId: tenant,
    ...(sectionOf === undefined ? {} : { sectionOf }),
  });
  let entryCount = 0;
  for (const part of head.parts()) {
    for (let cut = 0; cut < cutCount; cut++) {
      const copied = await writer.begin(part);
      entryCount += (await copied.store(new AbortController().signal)).entryCount;
    }
  }
  for (const part of head.parts()) head.remove(part);
  // The first call tells what nobody needs, the second lets go of it.
  memory.trim();
  memory.trim();
  scratch.clear();
  const fromNs = BigInt(nowSeconds - pushCount) * nsPerSecond;
  return { store, tenant, fromNs, toNs: BigInt(nowSeconds) * nsPerSecond, entryCount };
}

/** A PushRequest of push.proto, with lines of the shapes that logs have. */
function exampleMessage(seconds: number): Buffer {
  const message = new ProtoWriter(2 ** 20);
  for (let stream = 0; stream < streamCount; stream++) {
    const streamAt = message.begin(1);
    message.text(1, `{app="app-${stream % 7}", env="example", instance="i-${stream}"}`);
    for (let i = 0; i < linesPerStream; i++) {
      addEntry(message, exampleLine(stream, (i * 7_919 * (stream + 1)) % 100_003), {
        seconds,
        nanos: i * 1_000 + stream,
      });
    }
    message.end(streamAt);
  }
  return message.finish();
}

function addEntry(
  message: ProtoWriter,
  line: string,
  time: { readonly seconds: number; readonly nanos: number },
): void {
  const entryAt = message.begin(2);
  const timeAt = message.begin(1);
  message.tag(1, 0);
  message.varint(time.seconds);
  message.tag(2, 0);
  message.varint(time.nanos);
  message.end(timeAt);
  message.text(2, line);
  message.end(entryAt);
}

function exampleLine(stream: number, id: number): string {
  switch (stream % 4) {
    case 0:
      return `level=info caller=main.go:${id % 97} msg="request ${id} done" status=200 took=${id % 89}ms`;
    case 1:
      return `{"level":"error","msg":"request failed","status":500,"user":"u${id % 13}","id":${id}}`;
    case 2:
      return `2026-01-10 12:34:56,${id % 1_000} WARN worker-${id % 9} queue ${id} is full, retry in ${id % 60} s`;
    default:
      return `10.0.${id % 256}.${id % 250} - - "GET /items/${id} HTTP/1.1" 200 ${id % 9_973} "-" "agent/1.0"`;
  }
}
