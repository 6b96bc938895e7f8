/**
 * A PushRequest in a snappy block, decoded: by the kernel when it is an ordinary one, else (or to
 * find out what is wrong with it) by the plain code.
 */
import { checkedSnappyLength, decompressSnappyBlock, type DecompressLimits } from "#codec";
import { type KernelEntries, PushKernel } from "#kernels";
import type { BatchBuffers, BatchMemory } from "./batch-memory.ts";
import type { DecodedPush, DecodedStream } from "./push-columns.ts";
import { decodeProtobufPush, type LabelsOfSpan, RepeatedSets } from "./push-protobuf.ts";

/** Below this the copies into and out of the kernel's memory cost more than it saves. */
const kernelFromBytesDefault = 256;

export interface SnappyPushOptions {
  readonly limits: DecompressLimits;
  readonly labelsOf: LabelsOfSpan;
  /** The collector's memory when omitted. */
  readonly memory?: BatchMemory | undefined;
  /** Blocks with less content are decoded by the plain code. */
  readonly kernelFromBytes?: number;
}

/** Errors as `decompressSnappyBlock` and `decodeProtobufPush`. */
export function decodeSnappyPush(block: Buffer, options: SnappyPushOptions): DecodedPush {
  const { limits, labelsOf, kernelFromBytes = kernelFromBytesDefault } = options;
  const length = checkedSnappyLength(block, limits);
  const buffers = options.memory?.lease();
  const take = buffers && ((bytes: number): Buffer => buffers.take(bytes));
  const kernel = PushKernel.shared;
  const from = length.elementsFrom;
  const loaded = length.bytes < kernelFromBytes ? 0 : kernel.loadSnappy(block, from, length.bytes);
  if (loaded === 0) {
    const content = decompressSnappyBlock(block, limits, take);
    return decodeProtobufPush(content, labelsOf, buffers);
  }
  const content = take?.(length.bytes) ?? Buffer.allocUnsafeSlow(length.bytes);
  kernel.content.copy(content);
  const bytes = content.subarray(0, length.bytes);
  const entries = kernel.readEntries();
  if (entries === undefined) return decodeProtobufPush(bytes, labelsOf, buffers);
  return { ...pushOf(bytes, entries, labelsOf, buffers), kernelContent: loaded };
}

function pushOf(
  bytes: Buffer,
  entries: KernelEntries,
  labelsOf: LabelsOfSpan,
  buffers: BatchBuffers | undefined,
): DecodedPush {
  const { rowCount, columns, streamCount } = entries;
  const own = buffers?.take(columns.length) ?? Buffer.allocUnsafeSlow(columns.length);
  own.set(columns);
  const numbers = (index: number): Uint32Array =>
    new Uint32Array(own.buffer, rowCount * (8 + index * 4), rowCount);
  const metadataOfRow = numbers(3);
  const sets = new RepeatedSets(bytes);
  const { metadataFroms, metadataTos } = entries;
  if (metadataFroms !== undefined && metadataTos !== undefined) {
    for (let row = 0; row < rowCount; row++) {
      const from = metadataFroms[row]!;
      if (from > 0) metadataOfRow[row] = sets.idOf(from, metadataTos[row]!);
    }
  }
  const streams: DecodedStream[] = [];
  for (let at = 0; at < entries.streams.length; at += 4) {
    const [from, to, fromRow, toRow] = entries.streams.subarray(at, at + 4);
    streams.push({ labels: labelsOf(bytes, from!, to!, at / 4), fromRow: fromRow!, toRow: toRow! });
  }
  return {
    rowCount,
    bytes,
    epochSeconds: new Float64Array(own.buffer, 0, rowCount),
    lineStarts: numbers(0),
    lineEnds: numbers(1),
    nanos: numbers(2),
    metadataOfRow,
    metadata: sets.sets.build(),
    streams,
    streamCount,
    lease: buffers,
  };
}
