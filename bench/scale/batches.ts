/** Pushes as the way in decodes them: one line for each of many streams. */
import { type EntryBatch, Labels } from "#model";

const noSets = { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 };

/** Label sets app × env × pod; the pod is unique. */
export function makeLabels(count: number): Labels[] {
  const envs = ["prod", "staging", "dev", "test"];
  return Array.from({ length: count }, (_, i) =>
    Labels.ofSorted([
      ["app", `app-${i % 200}`],
      ["env", envs[i % envs.length]!],
      ["pod", `app-${i % 200}-${((i * 2654435761) >>> 0).toString(16)}-${i}`],
    ]),
  );
}

/** One line for each of the label sets, all at one time. */
export function thinBatch(
  labels: readonly Labels[],
  at: { second: number; nanos: number },
): EntryBatch {
  const count = labels.length;
  const text = `level=info msg="request done" duration=${at.nanos % 977}ms path=/api/items/`;
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  const bytes = Buffer.allocUnsafeSlow(count * (text.length + 6));
  let used = 0;
  for (let i = 0; i < count; i++) {
    starts[i] = used;
    used += bytes.write(text, used, "latin1");
    used += bytes.write(String(100_000 + ((i * 7919) % 900_000)), used, "latin1");
    ends[i] = used;
  }
  return {
    rowCount: count,
    streams: labels.map((one, i) => ({ labels: one, fromRow: i, toRow: i + 1 })),
    bytes: bytes.subarray(0, used),
    lineStarts: starts,
    lineEnds: ends,
    epochSeconds: new Float64Array(count).fill(at.second),
    nanos: new Uint32Array(count).fill(at.nanos),
    metadataOfRow: new Uint32Array(count),
    metadata: noSets,
  };
}
