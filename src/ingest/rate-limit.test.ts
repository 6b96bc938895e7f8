import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "./rate-limit.ts";

test("a bucket starts full, empties, and fills at its rate up to the burst", () => {
  const bucket = new TokenBucket();
  const limit = { ratePerSecond: 10, burst: 100 };
  assert.equal(bucket.allow(101, limit, 1000), false);
  assert.equal(bucket.allow(100, limit, 1000), true);
  assert.equal(bucket.allow(1, limit, 1000), false);
  assert.equal(bucket.allow(10, limit, 2000), true);
  assert.equal(bucket.allow(1, limit, 2099), false);
  assert.equal(bucket.allow(1, limit, 2100), true);
  assert.equal(bucket.allow(100, limit, 60_000), true);
  assert.equal(bucket.allow(1, limit, 50_000), false, "a clock that goes back gives nothing");
});
