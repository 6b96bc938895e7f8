import assert from "node:assert/strict";
import test from "node:test";
import { BodyPieces, type ObjectBody, type StoredBody, wholeOf } from "./object-body.ts";

function storedBody(text: string): StoredBody {
  const bytes = Buffer.from(text);
  return {
    sizeBytes: bytes.length,
    read: async ({ from, to }) => Buffer.from(bytes.subarray(from, to)),
  };
}

const bodies: { what: string; body: ObjectBody }[] = [
  { what: "parts", body: ["0123", "", "456789", "ab"].map((text) => Buffer.from(text)) },
  { what: "one buffer", body: Buffer.from("0123456789ab") },
  { what: "a body on disk", body: storedBody("0123456789ab") },
];

for (const { what, body } of bodies) {
  test(`${what}: cut into pieces for several takers without losing a byte`, async () => {
    assert.equal(Buffer.from(await wholeOf(body)).toString(), "0123456789ab");
    for (let pieceBytes = 1; pieceBytes <= 13; pieceBytes++) {
      const pieces = new BodyPieces(body, pieceBytes);
      const found: Buffer[] = [];
      const take = async (): Promise<void> => {
        for (let one = await pieces.next(); one !== undefined; one = await pieces.next()) {
          found[one.index] = Buffer.from(one.bytes);
        }
      };
      await Promise.all([take(), take(), take()]);
      assert.equal(Buffer.concat(found).toString(), "0123456789ab");
      assert.ok(found.slice(0, -1).every(({ length }) => length === pieceBytes));
      assert.equal(found.length, Math.ceil(12 / pieceBytes));
    }
  });
}

test("a piece inside one buffer is a view of it", async () => {
  const bytes = Buffer.from("0123");
  const piece = await new BodyPieces([bytes], 2).next();
  assert.equal(piece?.bytes.buffer, bytes.buffer);
});
