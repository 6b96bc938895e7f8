/** Records that are not what was written are corrupt or as if they were not there; nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryObjectStore } from "#objectstore";
import { ManualClock } from "#world";
import { decodeDeleteRequest, encodeDeleteRequest, newDeleteRequest } from "./delete-request.ts";
import { decodeErased } from "./erased-section.ts";
import { PolicyRecord } from "./policy-record.ts";

const request = newDeleteRequest({
  id: "0000000a",
  tenant: "t",
  query: '{a="b"}',
  startMs: 1,
  endMs: 2,
  createdMs: 3,
});
const written = JSON.parse(encodeDeleteRequest(request).toString()) as Record<string, unknown>;
const { crc: _crc, ...unchecked } = written;

test("a delete request reads back as it was, also without a checksum", () => {
  assert.deepEqual(decodeDeleteRequest("k", encodeDeleteRequest(request)), request);
  assert.deepEqual(decodeDeleteRequest("k", Buffer.from(JSON.stringify(unchecked))), request);
});

const wrongRequests: readonly Readonly<Record<string, unknown>>[] = [
  { journal: null },
  { journal: { id: 5, toSequence: 1 } },
  { journal: { id: "j", toSequence: -1 } },
  { erased: null },
  { erased: 5 },
  { erased: { lines: "x", bytes: 1 } },
  { leaving: [null] },
  { startMs: 1e16 },
  { erasedMs: "yesterday" },
  { goneMs: 9e15 },
  { begunMs: null },
  { state: "cancelled" },
];

for (const change of wrongRequests) {
  test(`a delete request with ${JSON.stringify(change)} is corrupt`, () => {
    const bytes = Buffer.from(JSON.stringify({ ...unchecked, ...change }));
    assert.throws(() => decodeDeleteRequest("k", bytes), { kind: "corrupt", message: /^k: / });
  });
}

for (const text of ['{"a":null}', '{"a":5}', '{"a":{"lines":1}}', '"text"', "x"]) {
  test(`a section of erased rows ${text} is corrupt`, () => {
    assert.throws(() => decodeErased(Buffer.from(text)), { kind: "corrupt" });
  });
}

for (const text of ["null", "5", "[]", '{"digest":"d"}', '{"digest":"d","sinceMs":"x"}', "x"]) {
  test(`a retention record ${text} is as if it were not there`, async () => {
    const objects = new MemoryObjectStore({ nowMs: () => 0 });
    await objects.put("retention/t.json", Buffer.from(text));
    const record = new PolicyRecord({ objects, clock: new ManualClock({ nowMs: 9 }) });
    assert.equal(await record.knownSinceMs("t", "d"), undefined);
    assert.equal(await record.sinceMs("t", "d"), 9);
  });
}
