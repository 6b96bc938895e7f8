/**
 * Large bodies as a resumable upload: https://cloud.google.com/storage/docs/resumable-uploads.
 * Parts go one after the other, as the protocol wants it; the object appears with the last one.
 * The SDK begins the upload; parts go by its client, for its stream of an upload fails when Google
 * takes less of the last part than it was sent.
 */
import { KiB, messageOf, StoreError } from "#base";
import type { GcsAnswer, GcsCalls } from "./gcs-calls.ts";
import { BodyPieces, type ObjectBody } from "./object-body.ts";

/** All parts but the last must be multiples of this. */
const partUnitBytes: number = 256 * KiB;
/** "Resume Incomplete": the part is there and more is wanted. */
const wantsMore = 308;
/** The upload is gone; it begins anew with the next try. */
const forgotten: readonly number[] = [404, 410];
/** What Google answers to a cancelled upload. */
const cancelled = 499;

export interface GcsUpload {
  readonly key: string;
  readonly body: ObjectBody;
  readonly sizeBytes: number;
  readonly partBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Rejects with a StoreError or the signal's reason, when the upload has been given up. */
export async function putResumable(calls: GcsCalls, upload: GcsUpload): Promise<void> {
  const session = await start(calls, upload);
  try {
    await sendParts(calls, upload, session);
  } catch (error) {
    throw await giveUp(calls, upload.key, session, error);
  }
}

async function start(calls: GcsCalls, upload: GcsUpload): Promise<string> {
  const { key, sizeBytes, signal } = upload;
  const metadata = { contentLength: sizeBytes, contentType: "application/octet-stream" };
  const location = await calls.run(
    { operation: "start of upload", key: undefined, signal },
    async () => (await calls.sdk.file(key).createResumableUpload({ metadata }))[0],
  );
  if (typeof location !== "string" || location === "") {
    throw new StoreError("unavailable", `gcs put ${calls.bucket}/${key}: the upload has no place`);
  }
  // Tokens go to the endpoint only, whatever host the answer names.
  const { pathname, search } = new URL(location, "http://endpoint");
  return pathname + search;
}

async function sendParts(calls: GcsCalls, upload: GcsUpload, session: string): Promise<void> {
  const { key, body, sizeBytes, signal } = upload;
  const partBytes = Math.ceil(upload.partBytes / partUnitBytes) * partUnitBytes;
  let from = 0;
  const pieces = new BodyPieces(body, partBytes);
  for (let part = await pieces.next(); part !== undefined; part = await pieces.next()) {
    // Google may take less than it was sent, and says so.
    for (let rest = part.bytes; rest.length > 0; ) {
      const to = from + rest.length;
      const answer = await calls.send({
        operation: "upload",
        key,
        signal,
        method: "PUT",
        path: session,
        headers: { "content-range": `bytes ${from}-${to - 1}/${sizeBytes}` },
        body: rest,
        takes: [wantsMore, ...forgotten],
      });
      if (forgotten.includes(answer.status)) {
        const text = `the server has forgotten the upload at byte ${from} (${answer.status})`;
        throw new StoreError("unavailable", `gcs put ${calls.bucket}/${key}: ${text}`);
      }
      const takenTo = answer.status === wantsMore ? takenOf(answer) : to;
      const isDone = answer.status !== wantsMore;
      if (isDone !== (to === sizeBytes && takenTo === to) || takenTo <= from || takenTo > to) {
        const text = `sent bytes ${from} to ${to} of ${sizeBytes}, the server has ${takenTo}`;
        throw new StoreError("unavailable", `gcs put ${calls.bucket}/${key}: ${text}`);
      }
      rest = rest.subarray(takenTo - from);
      from = takenTo;
    }
  }
}

function takenOf(answer: GcsAnswer): number {
  const last = /^bytes=0-(\d+)$/.exec(answer.headers.get("range") ?? "")?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

async function giveUp(
  calls: GcsCalls,
  key: string,
  session: string,
  error: unknown,
): Promise<unknown> {
  const request = { operation: "end of upload", key, signal: undefined, path: session } as const;
  try {
    await calls.send({ ...request, method: "DELETE", takes: [cancelled, ...forgotten] });
    return error;
  } catch (endError) {
    if (!(error instanceof StoreError)) return error;
    const text = `${error.message}; the upload ends by itself in a week: ${messageOf(endError)}`;
    return new StoreError(error.kind, text);
  }
}
