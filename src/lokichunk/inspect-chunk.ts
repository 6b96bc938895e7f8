import assert from "node:assert";

export interface InspectedChunk {
  readonly lines: readonly string[];
  /** What is wrong; empty for a sound chunk. */
  readonly problems: readonly string[];
}

/** Whether the bytes begin as a chunk object does. */
export function isLokiChunk(bytes: Buffer): boolean {
  return bytes.length === 0;
}

/** Everything in a chunk object as text, every checksum verified. Never throws for what is wrong with the bytes. */
export function inspectChunk(name: string, bytes: Buffer): InspectedChunk {
  assert.fail(`${name} ${bytes.length}`);
}
