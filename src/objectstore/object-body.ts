/** What a put takes, and how a store that sends it in pieces comes by them. */
import { giveBack, MiB } from "#base";

/**
 * Bytes of an object that need not be in memory: on disk, say. They are read by position, as often as
 * needed, for a put may be tried again; they do not change until the put is over.
 */
export interface StoredBody {
  readonly sizeBytes: number;
  /** Bytes [from, to) in a buffer of the caller's own. Both are at most `sizeBytes`. StoreError as of a file. */
  read(range: { readonly from: number; readonly to: number }): Promise<Buffer>;
}

export type ObjectBody = Uint8Array | readonly Uint8Array[] | StoredBody;

/** Pieces of a body on disk that are in memory at a time: what the line takes, and little to hold. */
const storedPiecesMax = 2;

/** Copied from disk to disk at a time. */
const copyBytes: number = MiB;

export function isStored(body: ObjectBody): body is StoredBody {
  return "sizeBytes" in body;
}

export function sizeOfBody(body: ObjectBody): number {
  if (isStored(body)) return body.sizeBytes;
  if (body instanceof Uint8Array) return body.length;
  return body.reduce((sum, { length }) => sum + length, 0);
}

/** Everything, for stores that take a small object in one piece. A body that is one piece is not copied. */
export async function wholeOf(body: ObjectBody): Promise<Uint8Array> {
  if (isStored(body)) return body.read({ from: 0, to: body.sizeBytes });
  if (body instanceof Uint8Array) return body;
  return body.length === 1 ? body[0]! : Buffer.concat(body);
}

/** Hands a body to `write` in order. What was read from disk is given back behind each call. */
export async function copyBody(
  body: ObjectBody,
  write: (parts: readonly Uint8Array[], at: number) => Promise<void>,
): Promise<void> {
  if (!isStored(body)) {
    await write(body instanceof Uint8Array ? [body] : body, 0);
    return;
  }
  for (let from = 0; from < body.sizeBytes; from += copyBytes) {
    const bytes = await body.read({ from, to: Math.min(body.sizeBytes, from + copyBytes) });
    await write([bytes], from);
    giveBack(bytes, 0);
  }
}

/** Nobody reads the body any more. What lies on disk is its owner's. */
export function giveBodyBack(body: ObjectBody): void {
  for (const bytes of inMemory(body)) giveBack(bytes);
}

export interface BodyPiece {
  /** From 0. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** Pieces of `pieceBytes` (the last may be shorter), in order, for several takers at a time. */
export class BodyPieces {
  /** How many takers there should be, at most. */
  readonly takersMax: number;
  readonly #body: StoredBody | undefined;
  readonly #inMemory: Iterator<Uint8Array, void, undefined>;
  readonly #pieceBytes: number;
  #next = 0;

  constructor(body: ObjectBody, pieceBytes: number) {
    this.#body = isStored(body) ? body : undefined;
    this.takersMax = isStored(body) ? storedPiecesMax : Number.POSITIVE_INFINITY;
    this.#inMemory = piecesOf(inMemory(body), pieceBytes);
    this.#pieceBytes = pieceBytes;
  }

  /** Undefined behind the last. */
  async next(): Promise<BodyPiece | undefined> {
    if (this.#body === undefined) {
      const { done, value } = this.#inMemory.next();
      return done ? undefined : { index: this.#next++, bytes: value };
    }
    const { sizeBytes } = this.#body;
    const index = this.#next;
    const from = index * this.#pieceBytes;
    if (from >= sizeBytes) return undefined;
    this.#next++;
    const to = Math.min(sizeBytes, from + this.#pieceBytes);
    return { index, bytes: await this.#body.read({ from, to }) };
  }
}

function inMemory(body: ObjectBody): readonly Uint8Array[] {
  if (isStored(body)) return [];
  return body instanceof Uint8Array ? [body] : body;
}

/** A piece inside one of `bodies` is a view of it, others are copies. */
function* piecesOf(
  bodies: readonly Uint8Array[],
  pieceBytes: number,
): Generator<Uint8Array, void, undefined> {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  for (const body of bodies) {
    for (let at = 0; at < body.length; ) {
      const piece = body.subarray(at, at + pieceBytes - gatheredBytes);
      gathered.push(piece);
      gatheredBytes += piece.length;
      at += piece.length;
      if (gatheredBytes < pieceBytes) continue;
      yield gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered);
      gathered = [];
      gatheredBytes = 0;
    }
  }
  if (gatheredBytes > 0) yield gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered);
}
