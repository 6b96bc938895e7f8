import assert from "node:assert/strict";
import { test } from "node:test";
import { KiB, MiB } from "#base";
import { type GetOptions, MemoryObjectStore } from "#objectstore";
import { StoredWindows, windowBytesOf } from "./stored-windows.ts";

const never: AbortSignal = new AbortController().signal;
const sizeBytes: number = 3 * MiB;

/** Remembers every answer, to see which memory is given back. */
class WatchedStore extends MemoryObjectStore {
  readonly answers: Buffer[] = [];

  override async get(key: string, options?: GetOptions): Promise<Buffer> {
    const bytes = await super.get(key, options);
    this.answers.push(bytes);
    return bytes;
  }

  get heldBytes(): number {
    return this.answers.reduce((sum, { length }) => sum + length, 0);
  }
}

async function newWindows(): Promise<{ objects: WatchedStore; windows: StoredWindows }> {
  const objects = new WatchedStore({ nowMs: () => 0 });
  const body = Buffer.alloc(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) body[i] = i * 31 + (i >>> 8);
  await objects.put("k", body);
  const windows = new StoredWindows(objects, {
    key: "k",
    endBytes: sizeBytes,
    windowBytes: 256 * KiB,
  });
  return { objects, windows };
}

test("two places read in step hold a window each, and nothing when all is read", async () => {
  const { objects, windows } = await newWindows();
  const body = await objects.get("k");
  objects.answers.length = 0;
  const pieceBytes = 100 * KiB;
  let heldBytesMax = 0;
  for (let at = 0; at < sizeBytes / 2; at += pieceBytes) {
    for (const from of [at, at + sizeBytes / 2]) {
      const to = Math.min(from + pieceBytes, from < sizeBytes / 2 ? sizeBytes / 2 : sizeBytes);
      await windows.use({ from, to }, never, async (bytes) => {
        assert.ok(bytes.equals(body.subarray(from, to)), `bytes from ${from}`);
        heldBytesMax = Math.max(heldBytesMax, objects.heldBytes);
      });
    }
  }
  assert.ok(heldBytesMax <= 2 * 256 * KiB, `${heldBytesMax} bytes held`);
  assert.ok(windows.getCount < 20, `${windows.getCount} requests`);
  windows.close();
  assert.equal(objects.heldBytes, 0);
});

test("a window that the reader has passed stays for those who still use it", async () => {
  const { objects, windows } = await newWindows();
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = windows.use({ from: 0, to: 1000 }, never, async (bytes) => {
    await promise;
    assert.equal(bytes.length, 1000);
  });
  await windows.use({ from: 200 * KiB, to: 300 * KiB }, never, async () => undefined);
  assert.equal(objects.heldBytes, 2 * 256 * KiB);
  resolve();
  await slow;
  assert.equal(objects.heldBytes, 256 * KiB);
});

test("a failed fetch is told to who asked, and the next one fetches anew", async () => {
  const { objects, windows } = await newWindows();
  const get = objects.get.bind(objects);
  objects.get = () => Promise.reject(new Error("down"));
  const use = (): Promise<number> =>
    windows.use({ from: 0, to: 10 }, never, async ({ length }) => length);
  await assert.rejects(use(), /down/);
  objects.get = get;
  assert.equal(await use(), 10);
});

const shares: { objects: number; want: number }[] = [
  { objects: 1, want: MiB },
  { objects: 4, want: MiB },
  { objects: 8, want: 512 * KiB },
  { objects: 1000, want: 256 * KiB },
];
for (const { objects, want } of shares) {
  test(`${objects} objects in step: windows of ${want} bytes in 16 MiB`, () => {
    assert.equal(windowBytesOf(objects, 16 * MiB), want);
  });
}
