/** Large bodies in parts, a few at a time; all or nothing, as a put must be. */
import assert from "node:assert/strict";
import type { CompletedPart, StorageClass } from "@aws-sdk/client-s3";
import { messageOf, StoreError } from "#base";
import { BodyPieces, type ObjectBody } from "./object-body.ts";
import type { S3Calls, S3Target } from "./s3-calls.ts";

/** S3's limit. */
const partsMax = 10_000;
/** Enough to fill a line, little enough to hold. */
const partsAtATime = 4;

/** What goes with an object whichever way it is put. */
export interface PutSettings {
  readonly StorageClass?: StorageClass;
  readonly ServerSideEncryption?: "AES256" | "aws:kms";
  readonly SSEKMSKeyId?: string;
  readonly SSEKMSEncryptionContext?: string;
}

export interface MultipartUpload {
  readonly bucket: string;
  readonly name: string;
  readonly body: ObjectBody;
  readonly sizeBytes: number;
  readonly partBytes: number;
  readonly settings: PutSettings;
  readonly signal: AbortSignal | undefined;
}

/** Rejects with a StoreError or the signal's reason, when the upload has been given up. */
export async function putInParts(calls: S3Calls, upload: MultipartUpload): Promise<void> {
  const { bucket, name, settings, signal } = upload;
  const target = { bucket, key: name, signal };
  const object = { Bucket: bucket, Key: name };
  const created = await calls.send(
    { ...target, operation: "CreateMultipartUpload" },
    (client, options) =>
      client.send(new calls.sdk.CreateMultipartUploadCommand({ ...object, ...settings }), options),
  );
  const UploadId = created.UploadId;
  if (UploadId === undefined) {
    throw new StoreError("unavailable", `s3 put ${bucket}/${name}: the upload got no id`);
  }
  try {
    const Parts = await putParts(calls, upload, UploadId);
    await calls.send({ ...target, operation: "CompleteMultipartUpload" }, (client, options) =>
      client.send(
        new calls.sdk.CompleteMultipartUploadCommand({
          ...object,
          UploadId,
          MultipartUpload: { Parts },
        }),
        options,
      ),
    );
  } catch (error) {
    throw await giveUp(calls, { ...target, signal: undefined }, UploadId, error);
  }
}

async function putParts(
  calls: S3Calls,
  upload: MultipartUpload,
  UploadId: string,
): Promise<CompletedPart[]> {
  const { bucket, name, sizeBytes } = upload;
  const partBytes = Math.max(upload.partBytes, Math.ceil(sizeBytes / partsMax));
  const pieces = new BodyPieces(upload.body, partBytes);
  const failed = new AbortController();
  const signal =
    upload.signal === undefined ? failed.signal : AbortSignal.any([upload.signal, failed.signal]);
  const parts: CompletedPart[] = [];
  const work = async (): Promise<void> => {
    for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
      signal.throwIfAborted();
      const { index, bytes: Body } = piece;
      const PartNumber = index + 1;
      assert.ok(PartNumber <= partsMax);
      const target: S3Target = { operation: "UploadPart", bucket, key: name, signal };
      const { ETag } = await calls.send(target, (client, options) =>
        client.send(
          new calls.sdk.UploadPartCommand({
            Bucket: bucket,
            Key: name,
            UploadId,
            PartNumber,
            Body,
          }),
          options,
        ),
      );
      if (ETag === undefined) {
        const text = `s3 UploadPart ${bucket}/${name}: part ${PartNumber} got no ETag`;
        throw new StoreError("unavailable", text);
      }
      parts.push({ PartNumber, ETag });
    }
  };
  const workers = Array.from({ length: Math.min(partsAtATime, pieces.takersMax) }, () =>
    work().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(workers);
  // The first failure is the reason of the others.
  signal.throwIfAborted();
  return parts.sort((left, right) => left.PartNumber! - right.PartNumber!);
}

/** Parts left behind would be paid for; what cannot be removed now is said. */
async function giveUp(
  calls: S3Calls,
  target: Omit<S3Target, "operation">,
  UploadId: string,
  error: unknown,
): Promise<unknown> {
  try {
    const object = { Bucket: target.bucket, Key: target.key, UploadId };
    await calls.send({ ...target, operation: "AbortMultipartUpload" }, (client, options) =>
      client.send(new calls.sdk.AbortMultipartUploadCommand(object), options),
    );
    return error;
  } catch (abortError) {
    if (!(error instanceof StoreError)) return error;
    // The parts went with the upload when its completion was done and only the answer was lost.
    if (abortError instanceof StoreError && abortError.kind === "missing") return error;
    const text = `${error.message}; parts of the upload may be left: ${messageOf(abortError)}`;
    return new StoreError(error.kind, text);
  }
}
