import { corrupt } from "./byte-cursor.ts";
import { readBoltBucket } from "./bolt-file.ts";

/**
 * The chunks that a marker file of Loki's compactor names, in order of marking: keys of the form
 * `tenant/fingerprint/from:through:checksum`, never base64. The same chunk may come twice.
 * StoreError corrupt naming `path`.
 */
export function readDeletionMarks(path: string, database: Buffer): string[] {
  return readBoltBucket(path, database, "chunks").map(({ key, value }) => {
    if (key.length !== 8) {
      const actual = `${key.length} bytes`;
      throw corrupt(path, {
        at: key.byteOffset - database.byteOffset,
        expected: "a key of 8 bytes",
        actual,
      });
    }
    return value.toString();
  });
}
