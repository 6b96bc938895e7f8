import { deflate, inflate } from "node:zlib";
import { promisify } from "node:util";
import { RequestError } from "#base";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { compressSnappyFrames, decompressSnappyFrames } from "./snappy-frames.ts";

/** What Connect takes for an encoding of messages; it has no exported name for it. */
export type Compression = typeof compressionGzip;

const deflateBytes = promisify(deflate) as (bytes: Uint8Array) => Promise<Buffer<ArrayBuffer>>;
const inflateBytes = promisify(inflate) as (
  bytes: Uint8Array,
  options: { maxOutputLength: number },
) => Promise<Buffer<ArrayBuffer>>;

/** gRPC's `deflate` is zlib; the C library's clients (syslog-ng) use it when told to compress. */
const compressionDeflate: Compression = {
  name: "deflate",
  compress: (bytes) => deflateBytes(bytes),
  async decompress(bytes, readMaxBytes) {
    if (bytes.length === 0) return new Uint8Array(0);
    try {
      return await inflateBytes(bytes, { maxOutputLength: readMaxBytes });
    } catch (error) {
      const isTooLarge = (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
      throw isTooLarge ? tooLarge(readMaxBytes) : corrupt("deflate");
    }
  },
};

/** The framed format, as Loki's Go clients send it. */
export const compressionSnappy: Compression = {
  name: "snappy",
  compress: (bytes) => Promise.resolve(ownBytes(compressSnappyFrames(asBuffer(bytes)))),
  async decompress(bytes, readMaxBytes) {
    try {
      return ownBytes(decompressSnappyFrames(asBuffer(bytes), readMaxBytes));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      throw error.status === 413 ? tooLarge(readMaxBytes) : corrupt("snappy");
    }
  },
};

/** In the order of preference that a client is told. */
export const compressions: readonly Compression[] = [
  compressionSnappy,
  compressionGzip,
  compressionDeflate,
];

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Node's own buffers never lie in shared memory; the types cannot say so. */
function ownBytes(bytes: Buffer): Buffer<ArrayBuffer> {
  return bytes as Buffer<ArrayBuffer>;
}

function tooLarge(bytesMax: number): ConnectError {
  return new ConnectError(
    `received message after decompression larger than max ${bytesMax}`,
    Code.ResourceExhausted,
  );
}

function corrupt(name: string): ConnectError {
  return new ConnectError(`${name}: corrupt input`, Code.InvalidArgument);
}
