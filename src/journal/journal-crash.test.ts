/**
 * Seeded runs on a simulated disk with faults and power cuts. A failing run names its seed; run it
 * alone by setting `firstSeed` to it and `seedCount` to 1.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError } from "#base";
import { type DiskFault, ManualClock, type Random, seededRandom, SimulatedDisk } from "#world";
import { recordsOffset } from "./journal-format.ts";
import { appendText, replayed } from "./journal.contract.ts";
import type { Journal } from "./journal.ts";
import { openLocalJournal } from "./local-journal.ts";

const firstSeed = 1;
const seedCount = 60;
const folder = "/data/journal";

interface Outcome {
  /** By text: the number it was acknowledged with. */
  readonly acknowledged: Map<string, number>;
  readonly rejected: Set<string>;
  truncatedBefore: number;
}

interface ScenarioOptions {
  /** Share of writes, syncs and truncations that fail. */
  readonly faultRate: number;
  /** Operations after a fault that do not fail: enough of them let the journal repair itself. */
  readonly quietOperations: number;
}

class Scenario {
  readonly random: Random;
  readonly disk: SimulatedDisk;
  readonly outcome: Outcome = {
    acknowledged: new Map(),
    rejected: new Set(),
    truncatedBefore: 1,
  };
  faultRate = 0;
  #texts = 0;
  #sinceFault = 0;
  readonly #options: ScenarioOptions;

  constructor(seed: number, options: ScenarioOptions) {
    this.random = seededRandom(seed);
    const faults: DiskFault[] = ["io", "full", "short-io", "short-full"];
    this.disk = new SimulatedDisk({
      seed,
      pause: async (operation) => {
        const ticks = operation === "sync" ? 3 : 1;
        for (let i = 0; i < ticks; i++) await new Promise((resolve) => setImmediate(resolve));
      },
      faultOf: (operation) => {
        const canFail = operation === "write" || operation === "sync" || operation === "truncate";
        this.#sinceFault++;
        if (!canFail || this.#sinceFault <= options.quietOperations) return undefined;
        if (this.random.fraction() >= this.faultRate) return undefined;
        this.#sinceFault = 0;
        return faults[Math.floor(this.random.fraction() * (operation === "write" ? 4 : 2))];
      },
    });
    this.#options = options;
  }

  open(): Promise<Journal> {
    this.faultRate = 0;
    return openLocalJournal({
      files: this.disk.asProcess(),
      clock: new ManualClock({ nowMs: 0 }),
      random: this.random,
      folder,
      fileBytesMax: recordsOffset + 4_000,
    });
  }

  /** Some callers append until the power goes. */
  async appendUntilCrash(journal: Journal, seed: number): Promise<void> {
    this.faultRate = this.#options.faultRate;
    let isOn = true;
    const caller = async (): Promise<void> => {
      while (isOn) {
        const length = Math.floor(this.random.fraction() ** 3 * 3_000);
        const text = `${++this.#texts}:`.padEnd(length, "abcdefg");
        try {
          const sequence = await appendText(journal, text);
          if (isOn) this.outcome.acknowledged.set(text, sequence);
        } catch (error) {
          assert.ok(isStoreError(error), String(error));
          if (isOn) this.outcome.rejected.add(text);
        }
      }
    };
    const callers = Array.from({ length: 4 }, caller);
    const ticks = Math.floor(this.random.fraction() * 150);
    for (let i = 0; i < ticks; i++) await new Promise((resolve) => setImmediate(resolve));
    isOn = false;
    this.disk.crash(seed);
    await Promise.all(callers);
  }

  /** What must hold after the power is back. */
  async check(journal: Journal, where: string): Promise<void> {
    const { acknowledged, rejected, truncatedBefore } = this.outcome;
    const records = await replayed(journal, truncatedBefore);
    let previous = truncatedBefore - 1;
    for (const { sequence, text } of records) {
      assert.ok(sequence > previous, `${where}: ${sequence} after ${previous}`);
      previous = sequence;
      assert.equal(acknowledged.get(text) ?? sequence, sequence, `${where}: ${text.slice(0, 8)}`);
      const mayComeBack = this.#options.quietOperations === 0;
      assert.ok(
        mayComeBack || !rejected.has(text),
        `${where}: rejected record ${text.slice(0, 8)} came back`,
      );
    }
    assert.ok(journal.lastSequence >= previous, where);
    const found = new Map(records.map((record) => [record.sequence, record.text]));
    for (const [text, sequence] of acknowledged) {
      if (sequence < truncatedBefore) continue;
      assert.equal(found.get(sequence), text, `${where}: record ${sequence} is lost`);
    }
    const corrupt = journal.damage.filter((damage) => damage.kind === "corrupt");
    assert.deepEqual(corrupt, [], `${where}: a crash is no corruption`);
    // What survived without an acknowledgement is from now on as good as acknowledged.
    for (const { sequence, text } of records) acknowledged.set(text, sequence);
  }

  async truncateSome(journal: Journal): Promise<void> {
    const { outcome } = this;
    const span = journal.lastSequence + 1 - outcome.truncatedBefore;
    outcome.truncatedBefore += Math.floor(this.random.fraction() * (span + 1));
    await journal.truncate(outcome.truncatedBefore);
  }
}

async function runScenario(seed: number, options: ScenarioOptions): Promise<number> {
  const scenario = new Scenario(seed, options);
  await scenario.disk.makeFolder("/data");
  await scenario.disk.syncFolder("/");
  for (let life = 0; life < 4; life++) {
    const journal = await scenario.open();
    await scenario.check(journal, `seed ${seed}, life ${life}`);
    if (scenario.random.fraction() < 0.3) await scenario.truncateSome(journal);
    await scenario.appendUntilCrash(journal, seed * 10 + life);
  }
  await scenario.check(await scenario.open(), `seed ${seed}, at last`);
  return scenario.outcome.acknowledged.size;
}

test("every acknowledged record survives power cuts, once and in order", async () => {
  let acknowledged = 0;
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    acknowledged += await runScenario(seed, { faultRate: 0, quietOperations: 0 });
  }
  assert.ok(acknowledged > seedCount * 20, `only ${acknowledged} were acknowledged`);
});

test("a rejected record never comes back, whenever the power went", async () => {
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    await runScenario(seed, { faultRate: 0.15, quietOperations: 8 });
  }
});

test("faults during repair, too, lose no acknowledged record", async () => {
  for (let seed = firstSeed; seed < firstSeed + seedCount / 3; seed++) {
    await runScenario(seed, { faultRate: 0.3, quietOperations: 0 });
  }
});
