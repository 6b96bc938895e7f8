/** The body of an answer as one buffer, whole: what breaks off is an error, never short data. */
import assert from "node:assert/strict";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { messageOf, StoreError } from "#base";
import type { SendOptions } from "./s3-calls.ts";

/** The whole body or a rejection. The buffer is the caller's. */
export async function readBody(
  answer: GetObjectCommandOutput,
  { abortSignal }: SendOptions,
  what: string,
): Promise<Buffer> {
  const stream = answer.Body;
  if (stream === undefined) return Buffer.alloc(0);
  assert.ok(Symbol.asyncIterator in stream && "destroy" in stream);
  const onAbort = (): void => void stream.destroy();
  abortSignal?.addEventListener("abort", onAbort, { once: true });
  try {
    const chunks = stream as AsyncIterable<Uint8Array>;
    const sizeBytes = answer.ContentLength;
    if (sizeBytes === undefined) return await gatherUnknown(chunks, what);
    return await gather(chunks, sizeBytes, what);
  } catch (error) {
    abortSignal?.throwIfAborted();
    throw error;
  } finally {
    abortSignal?.removeEventListener("abort", onAbort);
  }
}

async function gather(
  chunks: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  what: string,
): Promise<Buffer> {
  // Not from the pool: a small body must not hold a large buffer.
  const body = Buffer.allocUnsafeSlow(sizeBytes);
  let gotBytes = 0;
  try {
    for await (const chunk of chunks) {
      if (gotBytes + chunk.length <= sizeBytes) body.set(chunk, gotBytes);
      gotBytes += chunk.length;
    }
  } catch (error) {
    throw cut(what, `${gotBytes} of ${sizeBytes} bytes: ${messageOf(error)}`);
  }
  if (gotBytes !== sizeBytes) throw cut(what, `${gotBytes} of ${sizeBytes} bytes`);
  return body;
}

async function gatherUnknown(chunks: AsyncIterable<Uint8Array>, what: string): Promise<Buffer> {
  const gathered: Uint8Array[] = [];
  try {
    for await (const chunk of chunks) gathered.push(chunk);
  } catch (error) {
    throw cut(what, messageOf(error));
  }
  return Buffer.concat(gathered);
}

function cut(what: string, after: string): StoreError {
  const text = `s3 GetObject ${what}: the connection was cut after ${after}`;
  return new StoreError("unavailable", text);
}

/** The bytes asked for; a server that does not know ranges sends more. */
export function inRange(
  contentRange: string | undefined,
  body: Buffer,
  range: { readonly from: number; readonly to: number },
): Buffer {
  const start = /^bytes (\d+)-/.exec(contentRange ?? "")?.[1];
  const first = start === undefined ? 0 : Number(start);
  if (first > range.from) {
    const text = `s3 GetObject: asked for bytes from ${range.from}, got them from ${first}`;
    throw new StoreError("unavailable", text);
  }
  return body.subarray(range.from - first, range.to - first);
}
