import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeWriteRecord, encodeSentRecord, encodeWriteRecord } from "./write-record.ts";

const body = Buffer.from("samples");
const record = { tenant: "t", client: "c", sampleCount: 3, timeMs: 1_768_003_200_000, body };

test("records read back as they were", () => {
  const sent = { tenant: "t", client: "c", sentSequence: 7 };
  assert.deepEqual(decodeWriteRecord(Buffer.concat(encodeWriteRecord(record)), 1), record);
  assert.deepEqual(decodeWriteRecord(Buffer.concat(encodeSentRecord(sent)), 1), sent);
});

test("what is no record is corrupt, and named by its number", () => {
  const whole = Buffer.concat(encodeWriteRecord(record));
  const cases: readonly Buffer[] = [
    Buffer.alloc(0),
    Buffer.concat([Buffer.from([9]), whole.subarray(1)]),
    whole.subarray(0, 18),
    ...[0.5, Number.NaN, 1e300].map((sentSequence) =>
      Buffer.concat(encodeSentRecord({ tenant: "t", client: "c", sentSequence })),
    ),
  ];
  for (const bytes of cases) {
    const wanted = { kind: "corrupt", message: /remote write record 5/ };
    assert.throws(() => decodeWriteRecord(bytes, 5), wanted, bytes.toString("hex"));
  }
});
