import assert from "node:assert/strict";
import { test } from "node:test";
import { formatChunkKey } from "#lokichunk";
import { formatSegmentKey } from "#segment";
import { isImmutable } from "./caches.ts";

const dayNs = 20_000n * 86_400_000_000_000n;
const segment = {
  tenant: "v1",
  day: 20_000,
  minNs: dayNs,
  maxNs: dayNs + 5n,
  id: "0".repeat(28),
  replacesCount: 0,
  bodyBytes: 10,
  footerBytes: 20,
};
const chunk = { tenant: "v1", fingerprint: 0xabcn, fromMs: 1, throughMs: 2, checksum: 3 };

const cases: readonly (readonly [string, boolean])[] = [
  [formatSegmentKey(segment), true],
  [formatChunkKey(chunk, "v12"), true],
  [formatChunkKey({ ...chunk, tenant: "fake" }, "v12"), true],
  ["v1/fake/2024-10-04/x", false],
  ["index/index_19000/1712-compactor-18d0-18d1-ff.tsdb.gz", false],
  ["rules/fake/namespace", false],
  ["loki-marks/fake/1", false],
];
for (const [key, want] of cases) {
  test(`${key} ${want ? "is" : "is not"} cached`, () => assert.equal(isImmutable(key), want));
}
