import assert from "node:assert/strict";
import { test } from "node:test";
import { fixtureIndexes, build, openFixture, seriesOf } from "./index-test-kit.ts";

const paths = fixtureIndexes();

test("there are files that Loki wrote", () => {
  assert.ok(paths.length >= 25, `${paths.length} files`);
});

for (const path of paths) {
  test(`${path} is written again byte for byte`, async () => {
    const index = openFixture(path);
    const built = await build(seriesOf(index), index.version);
    assert.ok(built.bytes.equals(index.bytes));
    assert.equal(built.checksum, index.checksum);
    assert.deepEqual([built.minMs, built.maxMs], [index.minMs, index.maxMs]);
    assert.equal(built.seriesCount, index.seriesCount);
  });
}
