import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { migrateBucket, wholeBucket } from "#bucket";
import { bucketNames, findingsOf, openTestBucket, signal, type TestBucket } from "./bucket-kit.ts";

async function keysOf(open: TestBucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of open.objects.list("")) keys.push(key);
  return keys;
}

async function chunkKey(open: TestBucket): Promise<string> {
  return (await keysOf(open)).find((key) => key.includes(":"))!;
}

async function indexKey(open: TestBucket): Promise<string> {
  return (await keysOf(open)).find((key) => key.endsWith(".tsdb.gz"))!;
}

async function migrate(open: TestBucket): Promise<void> {
  await migrateBucket(open.bucket, {
    scope: wholeBucket,
    target: open.stored,
    isDryRun: false,
    skipsDamaged: false,
    signal,
    onStream: () => undefined,
    onTenantDay: () => undefined,
    onProgress: () => undefined,
  });
}

describe("buckets that Loki wrote are sound", () => {
  for (const name of bucketNames) {
    test(name, async () => {
      const open = await openTestBucket(name);
      const { findings, counts } = await findingsOf(open.bucket);
      const damage = findings.filter(({ severity }) => severity === "damage");
      // Ids of metadata past the symbol table are what this one is about.
      if (name !== "symbol-out-of-range") assert.deepEqual(damage, []);
      assert.ok(counts.indexFiles > 0 && counts.chunks > 0, JSON.stringify(counts));
      // Chunks that a delete took out of the index wait for Loki's compactor there.
      if (name !== "deletes") assert.equal(counts.waste, 0);
    });
  }
});

interface Planted {
  readonly what: string;
  readonly plant: (open: TestBucket) => Promise<string>;
  readonly severity: "damage" | "waste";
  readonly kind: string;
  readonly text: RegExp;
}

/** Flips a bit and gives the key it is in. */
async function flip(open: TestBucket, key: string, at: (bytes: Buffer) => number): Promise<string> {
  const bytes = Buffer.from(await open.objects.get(key));
  bytes[at(bytes)]! ^= 1;
  await open.objects.put(key, bytes);
  return key;
}

const planted: readonly Planted[] = [
  {
    what: "a bit of a chunk",
    plant: async (open) => flip(open, await chunkKey(open), (bytes) => bytes.length >> 1),
    severity: "damage",
    kind: "chunk",
    text: /crc/,
  },
  {
    what: "a chunk cut short",
    plant: async (open) => {
      const key = await chunkKey(open);
      const bytes = await open.objects.get(key);
      await open.objects.put(key, bytes.subarray(0, bytes.length - 10));
      return key;
    },
    severity: "damage",
    kind: "chunk",
    text: /crc of the object/,
  },
  {
    what: "a chunk that is gone",
    plant: async (open) => {
      const key = await chunkKey(open);
      await open.objects.delete(key);
      return key;
    },
    severity: "damage",
    kind: "reference",
    text: /which is not there/,
  },
  {
    what: "a chunk that nobody lists",
    plant: async (open) => {
      const key = "acme/1234567890abcdef/18c00000000:18c00000100:aabbccdd";
      await open.objects.put(key, Buffer.from("anything"));
      open.clock.advance(86_400_000);
      return key;
    },
    severity: "waste",
    kind: "object",
    text: /no index file lists/,
  },
  {
    what: "a bit of an index file",
    plant: async (open) => {
      const key = await indexKey(open);
      const bytes = gunzipSync(await open.objects.get(key));
      bytes[bytes.length >> 1]! ^= 1;
      await open.objects.put(key, gzipSync(bytes));
      return key;
    },
    severity: "damage",
    kind: "index",
    text: /at byte \d+/,
  },
  {
    what: "an index file that is no gzip stream",
    plant: async (open) => flip(open, await indexKey(open), () => 0),
    severity: "damage",
    kind: "index",
    text: /no gzip stream/,
  },
  {
    what: "a stranger in a table",
    plant: async (open) => {
      const key = `${(await indexKey(open)).split("/").slice(0, 2).join("/")}/notes.txt`;
      await open.objects.put(key, Buffer.from("?"));
      return key;
    },
    severity: "waste",
    kind: "object",
    text: /no index file/,
  },
  {
    what: "a bit of a segment",
    plant: async (open) => {
      await migrate(open);
      const key = (await keysOf(open)).find((one) => one.endsWith(".seg"))!;
      return flip(open, key, () => 40);
    },
    severity: "damage",
    kind: "segment",
    text: /at byte \d+/,
  },
  {
    what: "a segment cut short",
    plant: async (open) => {
      await migrate(open);
      const key = (await keysOf(open)).find((one) => one.endsWith(".seg"))!;
      const bytes = await open.objects.get(key);
      await open.objects.put(key, bytes.subarray(0, 100));
      return key;
    },
    severity: "damage",
    kind: "segment",
    text: /100 bytes, but its key says/,
  },
  {
    what: "a segment under another tenant's key",
    plant: async (open) => {
      await migrate(open);
      const key = (await keysOf(open)).find((one) => /^v1\/acme\/.*\.seg$/.test(one))!;
      const other = key.replace("/acme/", "/evil/");
      await open.objects.put(other, await open.objects.get(key));
      return other;
    },
    severity: "damage",
    kind: "segment",
    text: /tenant is acme, not evil/,
  },
];

describe("planted damage is named with object and byte", () => {
  for (const { what, plant, severity, kind, text } of planted) {
    test(what, async () => {
      const open = await openTestBucket("snappy");
      const key = await plant(open);
      const { findings, counts } = await findingsOf(open.bucket);
      const found = findings.find(
        (one) => one.what === kind && (one.key === key || one.text.includes(key)),
      );
      assert.ok(found, JSON.stringify(findings));
      assert.equal(found.severity, severity);
      assert.match(found.text, text);
      assert.equal(typeof found.offset, "number");
      assert.ok(counts[severity] > 0);
    });
  }

  test("a sample reads fewer chunks, and every index file", async () => {
    const open = await openTestBucket("many-chunks");
    const all = await findingsOf(open.bucket);
    const some = await findingsOf(open.bucket, 0.2);
    assert.equal(some.counts.indexFiles, all.counts.indexFiles);
    assert.equal(some.counts.chunks + some.counts.chunksNotRead, all.counts.chunks);
    assert.ok(some.counts.chunksNotRead > 0 && some.counts.chunks > 0);
  });
});
