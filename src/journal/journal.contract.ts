/** What every Journal must do. Each implementation's test calls `journalContract`. */
import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError } from "#base";
import type { Journal } from "./journal.ts";

export interface JournalFixture {
  /** Opens the journal, or opens it again after `close`. */
  readonly open: () => Promise<Journal>;
  readonly dispose: () => Promise<void>;
}

export interface Replayed {
  readonly sequence: number;
  readonly text: string;
}

export async function replayed(journal: Journal, fromSequence = 1): Promise<Replayed[]> {
  const records: Replayed[] = [];
  for await (const { sequence, body } of journal.replay(fromSequence)) {
    records.push({ sequence, text: body.toString("latin1") });
  }
  return records;
}

export function appendText(journal: Journal, text: string): Promise<number> {
  return journal.append([Buffer.from(text, "latin1")], () => undefined);
}

/** `make` gives a place without a journal each time. */
export function journalContract(implementation: string, make: () => Promise<JournalFixture>): void {
  const claim = (name: string, run: (fixture: JournalFixture) => Promise<void>): void => {
    test(`${implementation}: ${name}`, async () => {
      const fixture = await make();
      try {
        await run(fixture);
      } finally {
        await fixture.dispose();
      }
    });
  };
  appendClaims(claim);
  truncateClaims(claim);
}

type Claim = (name: string, run: (fixture: JournalFixture) => Promise<void>) => void;

function appendClaims(claim: Claim): void {
  claim("a new journal is empty and counts from 1", async ({ open }) => {
    const journal = await open();
    assert.equal(journal.lastSequence, 0);
    assert.equal(journal.firstSequence, 1);
    assert.deepEqual(await replayed(journal), []);
    assert.equal(await appendText(journal, "one"), 1);
    assert.equal(journal.lastSequence, 1);
    await journal.close();
  });
  claim("records come back in order, with their bytes, after a restart", async ({ open }) => {
    let journal = await open();
    const texts = ["", "x", "1234567", "12345678", "\0\xff".repeat(5_000)];
    for (const text of texts) await appendText(journal, text);
    await journal.append([Buffer.from("in "), Buffer.alloc(0), Buffer.from("parts")], () => {});
    await journal.close();
    journal = await open();
    const want = [...texts, "in parts"].map((text, i) => ({ sequence: i + 1, text }));
    assert.deepEqual(await replayed(journal), want);
    assert.deepEqual(await replayed(journal, 5), want.slice(4));
    assert.deepEqual(await replayed(journal, 7), []);
    assert.equal(await appendText(journal, "next"), 7);
    assert.deepEqual(journal.damage, []);
    await journal.close();
  });
  claim("apply runs in order of numbers, before the promise resolves", async ({ open }) => {
    const journal = await open();
    const applied: number[] = [];
    const appends = Array.from({ length: 100 }, async (_, i) => {
      const apply = (sequence: number): void => {
        assert.ok(journal.lastSequence >= sequence);
        applied.push(sequence);
      };
      const sequence = await journal.append([Buffer.from(`record ${i}`)], apply);
      assert.ok(applied.includes(sequence));
    });
    await Promise.all(appends);
    assert.deepEqual(
      applied,
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    await journal.close();
  });
  claim("close finishes what was accepted and refuses the rest", async ({ open }) => {
    let journal = await open();
    const accepted = Promise.all([appendText(journal, "a"), appendText(journal, "b")]);
    const closing = journal.close();
    await assert.rejects(appendText(journal, "c"), (error) => isStoreError(error, "closed"));
    await closing;
    assert.deepEqual(await accepted, [1, 2]);
    await journal.close();
    journal = await open();
    assert.equal((await replayed(journal)).length, 2);
    await journal.close();
  });
}

function truncateClaims(claim: Claim): void {
  claim("truncation keeps what is still needed and never gives a number twice", async (fixture) => {
    let journal = await fixture.open();
    let lastSequence = 0;
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 20; i++) lastSequence = await appendText(journal, `r${lastSequence + 1}`);
      const before = lastSequence - 4;
      await journal.truncate(before);
      assert.ok(journal.firstSequence <= before);
      await journal.close();
      journal = await fixture.open();
      assert.equal(journal.lastSequence, lastSequence);
      const want = [4, 3, 2, 1, 0].map((back) => lastSequence - back);
      assert.deepEqual(
        await replayed(journal, before),
        want.map((sequence) => ({ sequence, text: `r${sequence}` })),
      );
    }
    await journal.truncate(lastSequence + 1);
    await journal.close();
    journal = await fixture.open();
    assert.deepEqual(await replayed(journal, lastSequence + 1), []);
    assert.equal(await appendText(journal, "after all"), lastSequence + 1);
    await journal.close();
  });
  claim("after endFile everything before can be freed at once", async ({ open }) => {
    let journal = await open();
    const [first] = await Promise.all([appendText(journal, "a"), journal.endFile()]);
    assert.equal(first, 1);
    await Promise.all([journal.endFile(), journal.endFile()]);
    await journal.truncate(2);
    assert.equal(journal.firstSequence, 2);
    assert.equal(await appendText(journal, "b"), 2);
    await journal.close();
    journal = await open();
    assert.deepEqual(await replayed(journal), [{ sequence: 2, text: "b" }]);
    await journal.close();
    await assert.rejects(journal.endFile(), (error) => isStoreError(error, "closed"));
  });
}
