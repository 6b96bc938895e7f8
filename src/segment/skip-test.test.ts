import assert from "node:assert/strict";
import { test } from "node:test";
import { SparseSet } from "#columns";
import fc from "fast-check";
import { packGramKeys, scanBlock } from "./skip-columns.ts";
import { SkipScanner } from "./skip-scanner.ts";
import { type BlockFilters, type SkipReason, SkipTest } from "./skip-test.ts";
import { TrigramSet } from "./trigram-set.ts";

const scanner = new SkipScanner();
const noKeys = new Uint32Array(0);

/** Filters of a block of these lines; the fewer bytes it is stored in, the coarser. */
function filtersOf(lines: readonly (string | Buffer)[], storedBytes = 1e9): BlockFilters {
  const column = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")]));
  const { trigrams, gramKeys } = scanBlock(scanner, { lines: column, valueKeys: noKeys }, "all");
  const packed = packGramKeys(gramKeys!, storedBytes);
  return {
    trigrams: TrigramSet.open(trigrams),
    values: undefined,
    grams: packed === undefined ? undefined : SparseSet.open(packed),
  };
}

function reasonFor(filters: BlockFilters, ...terms: (string | Buffer)[][]): SkipReason | undefined {
  const lineTerms = terms.map((term) => term.map((text) => Buffer.from(text)));
  return new SkipTest({ lineTerms }).ruledOutBy({ streams: [], metadataNames: [], filters });
}

const lines = [
  'level=info msg="Connection refused by peer" trace_id=4bf92f3577b34da6a3ce929d0e0e4736',
  "GET /api/v1/users/550e8400-e29b-41d4-a716-446655440000 from 10.250.19.102",
  "two\nlines in one, für 日本語",
];
const claims: { needs: string[][]; reason: SkipReason | undefined }[] = [
  { needs: [["refused"]], reason: undefined },
  { needs: [["REFUSED"]], reason: undefined },
  { needs: [["nowhere"]], reason: "trigrams" },
  { needs: [["refused"], ["nowhere"]], reason: "trigrams" },
  { needs: [["nowhere", "refused"]], reason: undefined },
  { needs: [["nowhere", "absent"]], reason: "trigrams" },
  { needs: [["nowhere", "ab"]], reason: undefined },
  { needs: [["4bf92f3577b34da6a3ce929d0e0e4736"]], reason: undefined },
  { needs: [["9c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f"]], reason: "trigrams" },
  { needs: [["929d0e0e47"]], reason: undefined },
  { needs: [["172.16.254.1"]], reason: "trigrams" },
  { needs: [["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]], reason: "trigrams" },
  { needs: [["two\nlines"]], reason: undefined },
  { needs: [["日本語"]], reason: undefined },
  { needs: [["日本誤"]], reason: "trigrams" },
  { needs: [[""]], reason: undefined },
  { needs: [["q"]], reason: undefined },
  { needs: [["qq"]], reason: undefined },
  { needs: [], reason: undefined },
];
for (const { needs, reason } of claims) {
  test(`${JSON.stringify(needs)} is ruled out by ${reason}`, () => {
    assert.equal(reasonFor(filtersOf(lines), ...needs), reason);
  });
}

for (const [text, reason] of [
  ["9c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f", "grams"],
  ["172.16.254.1", "grams"],
  ["4bf92f3577b34da6a3ce929d0e0e4736", undefined],
  ["refused", undefined],
] as const) {
  test(`${text} is ruled out by ${reason} where trigrams do not tell`, () => {
    const filters = { ...filtersOf(lines), trigrams: undefined };
    assert.equal(reasonFor(filters, [text]), reason);
  });
}

test("a test may be asked of many blocks", () => {
  const [here, elsewhere] = [filtersOf(lines), filtersOf(["nothing of the kind 10.250.19.99"])];
  for (const text of ["refused", "4bf92f3577b34da6a3ce929d0e0e4736", "10.250.19.102"]) {
    const skip = new SkipTest({ lineTerms: [[Buffer.from(text)]] });
    const ruledOut = [elsewhere, here, elsewhere, here, here].map(
      (filters) => skip.ruledOutBy({ streams: [], metadataNames: [], filters }) !== undefined,
    );
    assert.deepEqual(ruledOut, [true, false, true, false, false]);
  }
});

test("terms too short for any filter ask for none", () => {
  for (const term of [["ab"], ["\n"], ["a\nb"], ["long enough", "no"]]) {
    const lineTerms = [term.map((text) => Buffer.from(text))];
    assert.ok(new SkipTest({ lineTerms }).isIdle);
  }
  assert.ok(new SkipTest({ lineTerms: [] }).isIdle);
});

const someByte = fc.oneof(
  fc.constantFrom(...'aAbBzZ09_-. ="/:\n\0é日'.split("")).map((text) => Buffer.from(text)),
  fc.nat(255).map((byte) => Buffer.of(byte)),
);
const anyBytes = fc.array(someByte, { maxLength: 60 }).map((parts) => Buffer.concat(parts));
const id = fc
  .constantFrom("0123456789abcdef", "0123456789", "abcXYZ019-._")
  .chain((alphabet) =>
    fc
      .array(fc.nat(alphabet.length - 1), { minLength: 5, maxLength: 40 })
      .map((picks) => Buffer.from(picks.map((i) => alphabet[i]).join(""))),
  );
const line = fc
  .array(fc.oneof(anyBytes, id, fc.constant(Buffer.from(" "))), { maxLength: 6 })
  .map((parts) => Buffer.concat(parts));

function otherCase(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes.map((byte) => (/[a-z]/i.test(String.fromCharCode(byte)) ? byte ^ 32 : byte)),
  );
}

test("no part of a line, in whatever case, is ever ruled out", () => {
  const cut = fc.tuple(fc.nat(1000), fc.nat(1000), fc.boolean());
  const property = fc.property(
    fc.array(line, { minLength: 1, maxLength: 12 }),
    fc.array(cut, { minLength: 1, maxLength: 30 }),
    fc.constantFrom(1e9, 400, 100, 60, 20),
    (all, cuts, storedBytes) => {
      const filters = filtersOf(all, storedBytes);
      for (const [pick, at, isOtherCase] of cuts) {
        const whole = all[pick % all.length]!;
        const from = at % (whole.length + 1);
        const part = whole.subarray(from, from + 1 + (pick % 50));
        const wanted = isOtherCase ? otherCase(part) : part;
        assert.equal(reasonFor(filters, [wanted]), undefined, JSON.stringify(wanted.toString()));
        assert.equal(reasonFor(filters, [Buffer.from("zq!~^`qz"), wanted]), undefined);
      }
    },
  );
  fc.assert(property, { seed: 7, numRuns: 400 });
});

test("nearly every text that is nowhere is ruled out", () => {
  const filters = filtersOf(
    Array.from({ length: 2000 }, (_, i) => `user=${i} id=${hexId(i)} done`),
  );
  let left = 0;
  for (let i = 5000; i < 6000; i++) if (reasonFor(filters, [hexId(i)]) === undefined) left++;
  assert.ok(left <= 5, `${left} of 1000 ids are not ruled out`);
});

function hexId(seed: number): string {
  let text = "";
  for (let i = 1; text.length < 32; i++) {
    text += (Math.imul(seed * 7 + i, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
  }
  return text;
}

test("a trigram is found wherever the lines lie in memory, however many bytes they are", () => {
  const text = "abcdefghijk\n";
  const whole = Buffer.from(text.repeat(4));
  for (let from = 0; from < 4; from++) {
    for (let to = from; to <= from + 24; to++) {
      const { trigrams } = scanBlock(
        scanner,
        { lines: whole.subarray(from, to), valueKeys: noKeys },
        "trigrams",
      );
      const expected = new Set<string>();
      for (let at = from; at + 3 <= to; at++) {
        const three = whole.toString("latin1", at, at + 3);
        if (!three.includes("\n")) expected.add(three);
      }
      const set = TrigramSet.open(trigrams)!;
      const found = new Set<string>();
      for (let trigram = 0; trigram < 2 ** 18; trigram++) {
        if (!set.has(trigram)) continue;
        const symbols = [trigram >>> 12, (trigram >>> 6) & 63, trigram & 63];
        found.add(symbols.map((symbol) => String.fromCharCode(0x61 + symbol)).join(""));
      }
      assert.deepEqual(found, expected, `bytes ${from} to ${to}`);
    }
  }
});
