/**
 * Sixty days in injected time, for tests: ingest, late entries, merges, retention by age and size,
 * deletes and power cuts, with a checker that knows every entry. A failing run names its store, seed
 * and day.
 */
import assert from "node:assert/strict";
import { day, hour, isStoreError, minute, second } from "#base";
import type { Limits } from "#config";
import {
  FaultyObjectStore,
  MemoryObjectStore,
  type ObjectStore,
  openFilesystemObjectStore,
} from "#objectstore";
import type { ListedSegment } from "#segment";
import { ManualClock, type Random, seededRandom, SimulatedDisk } from "#world";
import {
  entriesInObjects,
  entriesOf,
  nsOf,
  replacedDelayMs,
  type TestEntry,
  TestLife,
  textOf,
} from "./lifecycle-test-kit.ts";

const startMs = Date.UTC(2026, 0, 10);
const stepsPerDay = 2;
const stepMs = day / stepsPerDay;

const deleteDelayMs = 2 * hour;
const cancelPeriodMs = 6 * hour;
/**
 * A run of entries spans a day at most, and what is due waits a day at most to be worth a rewrite.
 */
const keptTooLongMs = deleteDelayMs + 2 * day + stepMs + hour;
const sizeMax = 6_000;

const limitsOf: Readonly<Record<string, Partial<Limits>>> = {
  aged: {
    retentionPeriodMs: 10 * day,
    retentionStream: [
      { selector: '{app="debug"}', priority: 1, periodMs: 30 * hour },
      { selector: '{app="audit"}', priority: 2, periodMs: 0 },
    ],
  },
  sized: { retentionSizeBytes: sizeMax },
};
const tenants = ["aged", "sized"] as const;
const apps = ["web", "debug", "audit"] as const;

type StoreKind = "filesystem" | "memory" | "faulty" | "remote";

export interface SimulatedLife {
  readonly kind: StoreKind;
  readonly seed: number;
  readonly dayCount?: number;
  /** An empty store, where the kind is remote. */
  readonly remote?: { readonly name: string; readonly objects: ObjectStore };
}

interface Known extends TestEntry {
  readonly arrivedMs: number;
}

interface Request {
  readonly id: string;
  readonly tenant: string;
  readonly app: string;
  readonly word: string;
  readonly startMs: number;
  readonly endMs: number;
  /** When it began to be carried out: what arrives later is kept. */
  begunMs: number;
  state: string;
}

export class Simulation {
  readonly clock: ManualClock = new ManualClock({ nowMs: startMs });
  readonly random: Random;
  readonly disk: SimulatedDisk;
  readonly name: string;
  readonly entries: Known[] = [];
  readonly requests: Request[] = [];
  /** Segments that a size made go. */
  readonly sizeDrops: ListedSegment[] = [];
  readonly #kind: StoreKind;
  readonly #remote: ObjectStore | undefined;
  readonly #memory = new MemoryObjectStore({ nowMs: () => this.clock.nowMs() });
  objects!: ObjectStore;
  life!: TestLife;
  dayNumber = 0;

  constructor({ kind, seed, remote }: SimulatedLife) {
    assert.equal(kind === "remote", remote !== undefined);
    this.#kind = kind;
    this.#remote = remote?.objects;
    this.name = `${remote?.name ?? kind} seed ${seed}`;
    this.random = seededRandom(seed);
    this.disk = new SimulatedDisk({ seed, nowMs: () => this.clock.nowMs() });
  }

  get where(): string {
    return `${this.name} day ${this.dayNumber}`;
  }

  chance(share: number): boolean {
    return this.random.fraction() < share;
  }

  async open(): Promise<void> {
    const { clock, random, disk } = this;
    const files = disk.asProcess();
    this.objects =
      this.#kind === "filesystem"
        ? await openFilesystemObjectStore({ files, clock, random, folder: "/data/chunks" })
        : (this.#remote ?? this.#memory);
    if (this.#kind === "faulty") {
      const faults = { errorRate: 0.01, lostAnswerRate: 0.01 };
      this.objects = new FaultyObjectStore(this.#memory, { clock, random, faults });
    }
    this.life = await this.#retried(() =>
      TestLife.open({
        files,
        objects: this.objects,
        clock,
        random,
        limitsOf: (tenant) => limitsOf[tenant] ?? {},
        isRetentionEnabled: true,
        cancelPeriodMs,
        deleteDelayMs,
        policy: { blockTargetBytes: 512, lateMs: hour },
        onDrop: (segment, reason) => {
          if (reason !== "age") this.sizeDrops.push(segment);
        },
      }),
    );
  }

  async #retried<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (this.#kind !== "faulty" || !isStoreError(error) || tries > 20) throw error;
      }
    }
  }

  async step(): Promise<void> {
    await this.#push();
    if (this.chance(0.25)) await this.#delete();
    this.clock.advance(stepMs - 3 * (replacedDelayMs + minute));
    for (let round = 0; round < 3; round++) {
      this.clock.advance(replacedDelayMs + minute);
      await this.#work();
    }
    // What is pushed next is later than what was begun here.
    this.clock.advance(1);
    if (this.chance(0.05)) await this.#powerCut();
  }

  async #push(): Promise<void> {
    const fresh: Known[] = [];
    const arrivedMs = this.clock.nowMs();
    for (let i = 0; i < 10; i++) {
      const tenant = tenants[i % 2]!;
      const app = apps[Math.floor(this.random.fraction() * apps.length)]!;
      const lateMs = this.chance(0.05) ? Math.floor(this.random.fraction() * 3 * day) : 0;
      const word = this.chance(0.3) ? "secret" : "plain";
      const ns = nsOf(arrivedMs - lateMs + i);
      const number = this.entries.length + fresh.length;
      const noise = this.random.bytes(24).toString("hex");
      fresh.push({ tenant, app, ns, line: `${word} ${number} ${noise}`, arrivedMs });
    }
    await this.life.push(fresh);
    this.entries.push(...fresh);
  }

  async #delete(): Promise<void> {
    const { clock, random, life } = this;
    const tenant = tenants[Math.floor(random.fraction() * 2)]!;
    const app = apps[Math.floor(random.fraction() * apps.length)]!;
    const word = this.chance(0.6) ? "secret" : "";
    const query = word === "" ? `{app="${app}"}` : `{app="${app}"} |= "${word}"`;
    const endMs = clock.nowMs() - Math.floor(random.fraction() * 4 * day);
    const times = { startMs: endMs - 1 - Math.floor(random.fraction() * 5 * day), endMs };
    try {
      const { id } = await life.delete(tenant, query, times);
      const begunMs = Number.POSITIVE_INFINITY;
      this.requests.push({ id, tenant, app, word, ...times, begunMs, state: "received" });
    } catch (error) {
      // An answer that was lost: the request may be there all the same.
      if (!isStoreError(error)) throw error;
      await this.#adopt({ tenant, app, word, ...times });
    }
  }

  async #adopt(draft: Omit<Request, "id" | "begunMs" | "state">): Promise<void> {
    await this.#retried(() => this.life.book.refresh());
    const known = new Set(this.requests.map(({ id }) => id));
    for (const { id } of await this.life.book.list(draft.tenant)) {
      if (known.has(id)) continue;
      this.requests.push({ ...draft, id, begunMs: Number.POSITIVE_INFINITY, state: "received" });
    }
  }

  async #work(): Promise<void> {
    const { life } = this;
    try {
      await life.ingester.flush(new AbortController().signal);
      await life.round();
    } catch (error) {
      if (this.#kind !== "faulty" || !isStoreError(error)) throw error;
    }
    if (this.#kind !== "faulty") assert.deepEqual(life.failures, [], this.where);
    for (const request of this.requests) {
      const { tenant, id } = request;
      const now = await this.#retried(() => life.book.find(tenant, id));
      assert.ok(now !== undefined, `${this.where}: request ${request.id} is lost`);
      request.begunMs = now.begunMs ?? Number.POSITIVE_INFINITY;
      request.state = now.state;
    }
  }

  async #powerCut(): Promise<void> {
    if (this.chance(0.5)) await this.life.journal.close();
    this.disk.crash(Math.floor(this.random.fraction() * 1e9));
    await this.open();
    const { segments } = this.life;
    for (const tenant of tenants) await this.#retried(() => segments.refresh(tenant));
  }

  /** Whether a delete hides it, or has taken it. */
  isDeleted(entry: Known): boolean {
    return this.requests.some(
      (request) =>
        request.tenant === entry.tenant &&
        request.app === entry.app &&
        entry.line.includes(request.word) &&
        entry.ns >= nsOf(request.startMs) &&
        entry.ns <= nsOf(request.endMs) &&
        (request.state !== "gone" || entry.arrivedMs <= request.begunMs),
    );
  }

  expiresMs({ tenant, app, ns }: TestEntry): number {
    if (tenant !== "aged" || app === "audit") return Number.POSITIVE_INFINITY;
    return Number(ns / 1_000_000n) + (app === "debug" ? 30 * hour : 10 * day);
  }

  async checkAnswers(): Promise<void> {
    // What is hidden moves on by whole seconds.
    const nowMs = Math.floor(this.clock.nowMs() / second) * second;
    for (const tenant of tenants) {
      const expected = this.entries.filter(
        (entry) =>
          entry.tenant === tenant && !this.isDeleted(entry) && this.expiresMs(entry) >= nowMs,
      );
      const found = await this.#retried(() => entriesOf(this.life.visible, tenant));
      const wanted = expected.map(textOf).sort();
      if (tenant === "aged") assert.deepEqual(found, wanted, this.where);
      else this.#checkSized(expected, new Set(found));
    }
  }

  /** What is missing was in segments that went, and nothing of it is younger than what stays. */
  #checkSized(expected: readonly Known[], found: ReadonlySet<string>): void {
    const all = new Set(expected.map(textOf));
    for (const text of found) assert.ok(all.has(text), `${this.where}: ${text} is back`);
    for (const entry of expected) {
      if (found.has(textOf(entry))) continue;
      const isDropped = this.sizeDrops.some(
        ({ tenant, minNs, maxNs }) =>
          tenant === entry.tenant && minNs <= entry.ns && maxNs >= entry.ns,
      );
      assert.ok(isDropped, `${this.where}: ${textOf(entry)} is gone too early`);
    }
  }

  async checkSizes(): Promise<void> {
    const live = await this.#retried(() => this.life.compactor.live("sized"));
    const bytes = live.reduce((sum, one) => sum + one.bodyBytes + one.footerBytes, 0);
    // A limit is met when the round ends, whatever that round has stored or merged.
    assert.ok(bytes <= sizeMax, `${this.where}: ${bytes} bytes are stored`);
    assert.ok(bytes > sizeMax / 4 || this.dayNumber < 20, `${this.where}: only ${bytes} bytes`);
  }

  /** Of everything that is stored, also what no query reads any more. */
  async checkObjects(isSettled: boolean): Promise<void> {
    const nowMs = this.clock.nowMs();
    const inner = this.#kind === "faulty" ? this.#memory : this.objects;
    const byText = new Map(this.entries.map((entry) => [textOf(entry), entry]));
    const stored = await entriesInObjects(inner);
    for (const [key, texts] of stored) {
      for (const text of texts) {
        const entry = byText.get(text);
        assert.ok(entry !== undefined, `${this.where}: ${key} holds ${text}`);
        const latestMs = this.expiresMs(entry) + keptTooLongMs;
        assert.ok(latestMs >= nowMs, `${this.where}: ${key} still holds ${text}`);
        const isGone = this.requests.some(
          (request) => request.state === "gone" && this.#took(request, entry),
        );
        assert.ok(!isGone, `${this.where}: ${key} holds deleted ${text}`);
      }
    }
    if (!isSettled) return;
    const live = new Set<string>();
    for (const tenant of tenants) {
      for (const { key } of await this.life.compactor.live(tenant)) live.add(key);
    }
    assert.deepEqual([...stored.keys()].sort(), [...live].sort(), `${this.where}: orphans`);
  }

  #took(request: Request, { tenant, app, line, ns, arrivedMs }: Known): boolean {
    return (
      request.tenant === tenant &&
      request.app === app &&
      line.includes(request.word) &&
      ns >= nsOf(request.startMs) &&
      ns <= nsOf(request.endMs) &&
      arrivedMs <= request.begunMs
    );
  }

  /** No faults any more, and time enough for everything that was begun. */
  async settle(): Promise<void> {
    if (this.objects instanceof FaultyObjectStore) this.objects.faults = {};
    for (let round = 0; round < 12; round++) {
      this.clock.advance(hour);
      await this.#work();
    }
    await this.life.ingester.flush(new AbortController().signal);
    const open = this.requests.filter(({ state }) => state !== "gone");
    assert.deepEqual(open, [], `${this.where}: deletes are not finished`);
  }
}

/** Rejects when something is kept too long, gone too early, or an orphan. */
export async function liveThrough(options: SimulatedLife): Promise<Simulation> {
  const { kind, dayCount = 60 } = options;
  const simulation = new Simulation(options);
  await simulation.open();
  for (let number = 1; number <= dayCount; number++) {
    simulation.dayNumber = number;
    for (let step = 0; step < stepsPerDay; step++) await simulation.step();
    if (number % 2 === 0) await simulation.checkAnswers();
    if (kind !== "faulty") await simulation.checkSizes();
    if (number % 15 === 0) await simulation.checkObjects(false);
  }
  await simulation.settle();
  await simulation.checkAnswers();
  await simulation.checkSizes();
  await simulation.checkObjects(true);
  await simulation.life.journal.close();
  return simulation;
}
