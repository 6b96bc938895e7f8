/** Who uses a simulated Skald: they push, push again, ask, delete and flush while it lives. */
import assert from "node:assert/strict";
import { isStoreError, RequestError } from "#base";
import type { ManualClock, Random } from "#world";
import { snappyPush } from "../../src/ingest/push-test-kit.ts";
import type { Book, SentEntry } from "./book.ts";
import type { Engine } from "./engine.ts";

export const tenants = ["one", "two"] as const;
const clientCount = 3;
const hourNs = 3_600_000_000_000;

export interface Visit {
  readonly engine: Engine;
  readonly book: Book;
  readonly clock: ManualClock;
  readonly random: Random;
  /** The number of this life: what is sent in it is one group. */
  readonly group: number;
  /** False while disks fail: then, and only then, requests may be refused. */
  readonly mustServe: () => boolean;
  /** Set when the process is gone; answers that come later count for nothing. */
  readonly isOver: () => boolean;
  readonly note: (what: string) => void;
  readonly where: string;
  /** Sent in earlier lives, and nobody knows what became of it. */
  readonly unanswered: SentEntry[][];
}

/** A push and what it was; its fate is unknown until it is answered. */
async function push(visit: Visit, entries: readonly SentEntry[]): Promise<void> {
  const { engine, note } = visit;
  const { tenant } = entries[0]!;
  const isJson = visit.random.fraction() < 0.3;
  const { accepted, reply } = engine.ingest.distributor.push({
    tenant,
    kind: "loki",
    contentType: isJson ? "application/json" : "application/x-protobuf",
    contentEncoding: undefined,
    body: isJson ? jsonBody(entries) : protobufBody(entries),
  });
  assert.equal(reply.status, 204, reply.text);
  await engine.ingest.ingester.push(tenant, accepted!.batch, accepted!.record);
  if (visit.isOver()) return;
  for (const entry of entries) entry.isAcknowledged = true;
  note(`acknowledged ${entries[0]!.id} and ${entries.length - 1} more`);
}

function jsonBody(entries: readonly SentEntry[]): Buffer {
  const streams = [...Map.groupBy(entries, ({ app }) => app)].map(([app, those]) => ({
    stream: { app, sim: "x" },
    values: those.map(({ timeNs, line, id }) => [`${timeNs}`, line, { id, odd: app }]),
  }));
  return Buffer.from(JSON.stringify({ streams }));
}

function protobufBody(entries: readonly SentEntry[]): Buffer {
  const streams = [...Map.groupBy(entries, ({ app }) => app)];
  return snappyPush(
    streams.map(([app, those]) => [
      { app, sim: "x" },
      those.map(({ timeNs, line, id }) => [timeNs, line, { id, odd: app }]),
    ]),
  );
}

/** What the disk's faults may do to a request, and nothing else may. */
function refused(visit: Visit, what: string, error: unknown): void {
  if (visit.isOver()) return;
  const isRefusal = error instanceof RequestError || isStoreError(error);
  if (!isRefusal || visit.mustServe()) throw error;
  visit.note(`${what} refused: ${String(error)}`);
}

function newEntries({ book, clock, random, group }: Visit): SentEntry[] {
  const tenant = tenants[Math.floor(random.fraction() * tenants.length)]!;
  const count = 1 + Math.floor(random.fraction() * 12);
  return Array.from({ length: count }, () => {
    const lateNs = random.fraction() < 0.3 ? Math.floor(random.fraction() * 36 * hourNs) : 0;
    const timeNs = clock.nowNs() - BigInt(lateNs);
    const app = `a${Math.floor(random.fraction() * 4)}`;
    const padding = random.bytes(Math.floor(random.fraction() * 40)).toString("hex");
    return book.entry({ tenant, app, timeNs, group }, padding);
  });
}

async function pushing(visit: Visit): Promise<void> {
  const { clock, random, unanswered } = visit;
  for (;;) {
    await clock.sleep(random.fraction() * 8_000);
    const again = random.fraction() < 0.3 ? unanswered.shift() : undefined;
    const entries = again ?? newEntries(visit);
    // Clients that got no answer send the same once more; some do although they got one.
    const times = random.fraction() < 0.1 ? 2 : 1;
    for (let time = 0; time < times; time++) {
      unanswered.push(entries);
      try {
        await push(visit, entries);
      } catch (error) {
        refused(visit, "push", error);
        continue;
      }
      if (!visit.isOver()) unanswered.splice(unanswered.indexOf(entries), 1);
    }
  }
}

/** Everything a tenant has, checked against what was certain before the question. */
export async function readAll(visit: Visit, tenant: string): Promise<number> {
  const { engine, book, clock, where } = visit;
  const promised = book.promised(tenant);
  const untilNs = clock.nowNs() + 1n;
  const { data, warnings } = await engine.queries.run({
    tenants: [tenant],
    text: '{sim="x"}',
    kind: "range",
    fromNs: untilNs - BigInt(40 * 24 * hourNs),
    toNs: untilNs,
    stepNs: undefined,
    intervalNs: 0n,
    limit: 10_000_000,
    direction: "forward",
    limits: engine.limits.for(tenant),
    signal: new AbortController().signal,
  });
  if (visit.isOver()) return 0;
  assert.ok(data.kind === "streams");
  const lines = data.streams.flatMap(({ entries }) => entries.map(({ line }) => line));
  if (warnings.length > 0) {
    assert.ok(!visit.mustServe(), `${where}: ${warnings.join("; ")}`);
    return 0;
  }
  book.check(tenant, { lines, promised, nowNs: clock.nowNs(), where });
  visit.note(`read ${lines.length} of ${tenant}`);
  return lines.length;
}

async function reading(visit: Visit): Promise<void> {
  const { clock, random } = visit;
  for (;;) {
    await clock.sleep(random.fraction() * 40_000);
    const tenant = tenants[Math.floor(random.fraction() * tenants.length)]!;
    await readAll(visit, tenant).catch((error: unknown) => refused(visit, "query", error));
  }
}

async function deleting(visit: Visit): Promise<void> {
  const { engine, book, clock, random, group } = visit;
  for (;;) {
    await clock.sleep(random.fraction() * 600_000);
    // A group of two lives ago: nothing of it is under way or sent again.
    const oldGroups = Math.max(0, group - 2);
    if (oldGroups === 0) continue;
    const old = Math.floor(random.fraction() * oldGroups);
    const unanswered = visit.unanswered.some((entries) => entries[0]!.group === old);
    if (unanswered) continue;
    const tenant = tenants[Math.floor(random.fraction() * tenants.length)]!;
    const sent = book.delete(tenant, old);
    const end = String(Math.floor(clock.nowMs() / 1000));
    const query = `{sim="x"} |= "g${old}."`;
    try {
      await engine.life.deletes.create(tenant, {
        query,
        start: "2025-12-01T00:00:00Z",
        end,
        maxInterval: "",
      });
      if (visit.isOver()) return;
      sent.isAcknowledged = true;
      visit.note(`deleted g${old} of ${tenant}`);
    } catch (error) {
      refused(visit, "delete", error);
    }
  }
}

async function flushing(visit: Visit): Promise<void> {
  const { engine, clock, random } = visit;
  for (;;) {
    await clock.sleep(random.fraction() * 200_000);
    const flushed = engine.ingest.ingester.flush(new AbortController().signal);
    await flushed.catch((error: unknown) => refused(visit, "flush", error));
  }
}

/** Rejects when one of them finds what must not be; else goes on until nobody lets it. */
export async function useEngine(visit: Visit): Promise<never> {
  const clients = Array.from({ length: clientCount }, () => pushing(visit));
  await Promise.all([...clients, reading(visit), deleting(visit), flushing(visit)]);
  throw new Error("clients never end");
}
