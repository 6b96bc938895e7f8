/**
 * Samples as Prometheus remote write 1.0 wants them (prometheus.io/docs/specs/prw/remote_write_spec):
 *
 *   WriteRequest  1 timeseries        TimeSeries  1 labels · 2 samples
 *   Label         1 name · 2 value    Sample      1 value (double) · 2 timestamp (int64, ms)
 *
 * The concatenation of several such requests is one request with all their series.
 */
import { ProtoWriter } from "#codec";
import type { OutgoingSample } from "./rule-context.ts";

/** The NaN that says "this series has ended" (prometheus/model/value). */
const staleBits = 0x7ff0000000000002n;

export function encodeWriteRequest(samples: readonly OutgoingSample[]): Buffer {
  const writer = new ProtoWriter(256 * (samples.length + 1));
  const double = Buffer.alloc(8);
  for (const { labels, timeMs, value, isStale } of samples) {
    const series = writer.begin(1);
    for (const [name, text] of labels.pairs) {
      const label = writer.begin(1);
      writer.text(1, name);
      writer.text(2, text);
      writer.end(label);
    }
    const sample = writer.begin(2);
    if (isStale) double.writeBigUInt64LE(staleBits);
    else double.writeDoubleLE(value);
    writer.tag(1, 1);
    writer.raw(double, 0, 8);
    writer.tag(2, 0);
    writer.varint(timeMs);
    writer.end(sample);
    writer.end(series);
  }
  return Buffer.from(writer.finish());
}
