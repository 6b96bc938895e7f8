/** What every ObjectStore must do. Each implementation's test calls `objectStoreContract`. */
import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError, StoreError } from "#base";
import { keyPartBytesMax } from "./object-key.ts";
import type { ObjectInfo, ObjectStore } from "./object-store.ts";

export interface ObjectStoreFixture {
  readonly store: ObjectStore;
  readonly close: () => Promise<void>;
}

/**
 * `open` gives an empty store each time. A server that is only for tests may take shorter key parts
 * than the contract demands.
 */
export function objectStoreContract(
  implementation: string,
  open: () => Promise<ObjectStoreFixture>,
  limits: { readonly keyPartBytesMax: number } = { keyPartBytesMax },
): void {
  const claim = (name: string, run: (store: ObjectStore) => Promise<void>): void => {
    test(`${implementation}: ${name}`, async () => {
      const { store, close } = await open();
      try {
        await run(store);
      } finally {
        await close();
      }
    });
  };
  readingClaims(claim);
  changingClaims(claim);
  listingClaims(claim);
  keyClaims(claim, limits.keyPartBytesMax);
}

type Claim = (name: string, run: (store: ObjectStore) => Promise<void>) => void;

const bytes = (text: string): Buffer => Buffer.from(text);

/** Everything that a listing yields. */
export async function listed(listing: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const infos: ObjectInfo[] = [];
  for await (const info of listing) infos.push(info);
  return infos;
}

async function keysOf(
  store: ObjectStore,
  prefix: string,
  options?: { startAfter: string },
): Promise<string[]> {
  return (await listed(store.list(prefix, options))).map((info) => info.key);
}

function readingClaims(claim: Claim): void {
  claim("a put object is read back, whole and in ranges", async (store) => {
    await store.put("a/b/c", [bytes("0123"), bytes(""), bytes("456789")]);
    assert.equal((await store.get("a/b/c")).toString(), "0123456789");
    const cases: [number, number, string][] = [
      [0, 10, "0123456789"],
      [3, 5, "34"],
      [8, 99, "89"],
      [10, 20, ""],
      [40, 50, ""],
      [4, 4, ""],
    ];
    for (const [from, to, want] of cases) {
      const got = await store.get("a/b/c", { range: { from, to } });
      assert.equal(got.toString(), want, `[${from}, ${to})`);
    }
  });
  claim("a body that is read by position becomes the object", async (store) => {
    const whole = Buffer.alloc(1_300_000, "some bytes on a disk, ");
    const ranges: { from: number; to: number }[] = [];
    const read = async (range: { from: number; to: number }): Promise<Buffer> => {
      ranges.push(range);
      assert.ok(range.from < range.to && range.to <= whole.length, JSON.stringify(range));
      return Buffer.from(new Uint8Array(whole.subarray(range.from, range.to)).buffer);
    };
    for (const sizeBytes of [20, whole.length]) {
      // The smallest parts that a store may be told to send would make thousands of requests.
      if (sizeBytes > 20 && ranges.length > 1) break;
      await store.put("a/b", { sizeBytes, read });
      assert.ok((await store.get("a/b")).equals(whole.subarray(0, sizeBytes)));
    }
  });
  claim("a body that nobody reads again is stored whole", async (store) => {
    await store.put("a/b", [bytes("0123"), bytes("456789")], { isBodySpent: true });
    assert.equal((await store.get("a/b")).toString(), "0123456789");
  });
  claim("a body that cannot be read is no object", async (store) => {
    const read = (): Promise<Buffer> => Promise.reject(new StoreError("denied", "no disk"));
    const isDenied = (error: unknown): boolean => isStoreError(error, "denied");
    await assert.rejects(store.put("a/b", { sizeBytes: 20, read }), isDenied);
    assert.equal(await store.head("a/b"), undefined);
  });
  claim("an empty object is an object", async (store) => {
    await store.put("empty", bytes(""));
    assert.equal((await store.get("empty")).length, 0);
    assert.equal((await store.head("empty"))?.sizeBytes, 0);
  });
  claim("a put replaces", async (store) => {
    await store.put("k", bytes("a long first body"));
    await store.put("k", bytes("second"));
    assert.equal((await store.get("k")).toString(), "second");
    assert.equal((await store.head("k"))?.sizeBytes, 6);
  });
  claim("missing objects: get rejects, head is undefined, delete is no error", async (store) => {
    for (const key of ["none", "no/such/folder/none"]) {
      await assert.rejects(store.get(key), (error) => isStoreError(error, "missing"));
      assert.equal(await store.head(key), undefined);
      await store.delete(key);
    }
    await store.put("a/b", bytes("x"));
    await assert.rejects(store.get("a"), (error) => isStoreError(error, "missing"));
    assert.equal(await store.head("a"), undefined);
    await store.delete("a");
    assert.equal((await store.get("a/b")).toString(), "x");
    await assert.rejects(store.get("a/b/c"), (error) => isStoreError(error, "missing"));
    assert.equal(await store.head("a/b/c"), undefined);
  });
}

function changingClaims(claim: Claim): void {
  claim("a deleted object is gone everywhere", async (store) => {
    await store.put("a/b/c", bytes("x"));
    await store.put("a/d", bytes("y"));
    await store.delete("a/b/c");
    assert.equal(await store.head("a/b/c"), undefined);
    assert.deepEqual(await keysOf(store, ""), ["a/d"]);
    assert.deepEqual(await store.listFolders("a/"), []);
    await store.delete("a/d");
    assert.deepEqual(await store.listFolders(""), []);
    await store.put("a/b/c", bytes("again"));
    assert.equal((await store.get("a/b/c")).toString(), "again");
  });
  claim("puts and deletes in one folder do not disturb each other", async (store) => {
    const rounds = Array.from({ length: 40 }, async (_, i) => {
      await store.put(`deep/er/${i}`, bytes(String(i)));
      if (i % 2 === 0) await store.delete(`deep/er/${i}`);
    });
    await Promise.all(rounds);
    const kept = await keysOf(store, "deep/");
    assert.equal(kept.length, 20);
    for (const key of kept) assert.equal((await store.get(key)).toString(), key.split("/")[2]);
  });
  claim("an aborted call rejects with the reason", async (store) => {
    const signal = AbortSignal.abort("stop");
    const isReason = (reason: unknown): boolean => reason === "stop";
    await assert.rejects(store.put("k", bytes("x"), { signal }), isReason);
    await assert.rejects(store.get("k", { signal }), isReason);
    assert.equal(await store.head("k"), undefined);
  });
}

function listingClaims(claim: Claim): void {
  // Byte order of whole keys differs from a walk by folders: '-' and '.' sort before '/'.
  const keys = ["a-b", "a.b/x", "a/b", "a/b-c/d", "a/c/d", "a/c/e", "a0", "b%2Fc", "b/ c", "~"];
  const fill = async (store: ObjectStore): Promise<void> => {
    for (const key of keys.toReversed()) await store.put(key, bytes(key));
  };
  claim("all keys are listed in byte order with their sizes", async (store) => {
    await fill(store);
    const infos = await listed(store.list(""));
    assert.deepEqual(
      infos.map((info) => [info.key, info.sizeBytes]),
      keys.map((key) => [key, key.length]),
    );
    assert.ok(infos.every((info) => Number.isInteger(info.modifiedMs)));
  });
  claim("a prefix need not end at a slash", async (store) => {
    await fill(store);
    for (const prefix of ["a", "a/", "a/b", "a/c/", "a/c/d", "b", "b%2", "x", "a/c/d/e", "x/y/"]) {
      const want = keys.filter((key) => key.startsWith(prefix));
      assert.deepEqual(await keysOf(store, prefix), want, prefix);
    }
  });
  claim("startAfter leaves out that key and all before", async (store) => {
    await fill(store);
    for (const startAfter of ["", ...keys, "a/", "a/c", "a/c/", "a/c/dd", "zzz"]) {
      for (const prefix of ["", "a/", "a/c"]) {
        const want = keys.filter((key) => key > startAfter && key.startsWith(prefix));
        assert.deepEqual(await keysOf(store, prefix, { startAfter }), want, startAfter);
      }
    }
  });
  claim("folders are the distinct next parts", async (store) => {
    await fill(store);
    assert.deepEqual(await store.listFolders(""), ["a", "a.b", "b"]);
    assert.deepEqual(await store.listFolders("a/"), ["b-c", "c"]);
    assert.deepEqual(await store.listFolders("a/c/"), []);
    assert.deepEqual(await store.listFolders("none/"), []);
    await assert.rejects(store.listFolders("a"), (error) => isStoreError(error, "denied"));
  });
}

function keyClaims(claim: Claim, partBytesMax: number): void {
  const good = ["x", "a b", "%2e%2e/%2F", "..a", "a/...", "A!*'()", "k".repeat(partBytesMax)];
  const bad = ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\0b", "a\nb", "ä"];
  claim("odd keys are kept apart", async (store) => {
    for (const key of good) await store.put(key, bytes(key));
    for (const key of good) assert.equal((await store.get(key)).toString(), key);
    assert.deepEqual(await keysOf(store, ""), good.toSorted());
  });
  claim("what is no key is denied", async (store) => {
    const isDenied = (error: unknown): boolean => isStoreError(error, "denied");
    for (const key of [...bad, "k".repeat(256), "k/".repeat(512) + "k"]) {
      await assert.rejects(store.put(key, bytes("x")), isDenied, key);
      await assert.rejects(store.get(key), isDenied, key);
      await assert.rejects(store.head(key), isDenied, key);
      await assert.rejects(store.delete(key), isDenied, key);
    }
    await assert.rejects(keysOf(store, "../"), isDenied);
  });
}
