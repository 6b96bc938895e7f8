import { Readable } from "node:stream";
import { createGzip, constants, gzip, type ZlibOptions } from "node:zlib";
import { promisify } from "node:util";
import { KiB, MiB, shortenText } from "#base";
import type { FastifyReply } from "fastify";

/** Go's charset in capitals, as Loki's own encoder sends it. */
export const jsonType = "application/json; charset=UTF-8";

/**
 * Smaller answers are not worth compressing: they go out with the first packets of a connection
 * anyhow, and zlib's memory costs more than a small query itself.
 */
const gzipFromBytes: number = 8 * KiB;
/** Answers of more characters than this are sent in pieces, as fast as the client reads. */
const piecesFromLength: number = MiB;
/** Logs repeat themselves: the first level already gains most, at a fraction of the time. */
const gzipOptions: ZlibOptions = { level: constants.Z_BEST_SPEED };

/** Errors quote labels and queries that clients send: they must not choose how much we answer. */
const errorLengthMax: number = 32 * KiB;

const gzipAll = promisify(gzip) as (text: string, options: ZlibOptions) => Promise<Buffer>;

/** An answer in plain text, as Go's `http.Error` writes it. */
export function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  const sent = status >= 400 ? shortenText(text, { lengthMax: errorLengthMax }) : text;
  return reply
    .code(status)
    .header("Content-Type", "text/plain; charset=utf-8")
    .header("X-Content-Type-Options", "nosniff")
    .send(`${sent}\n`);
}

/** An answer of JSON, whole or in pieces; compressed when the client can read that. */
export function sendJson(
  reply: FastifyReply,
  json: string | Iterable<string>,
): Promise<FastifyReply> {
  return sendPieces(reply.code(200).header("Content-Type", jsonType), json);
}

/** Sends a text; one that comes in pieces and is long is never held in memory as a whole. */
export async function sendPieces(
  reply: FastifyReply,
  text: string | Iterable<string>,
): Promise<FastifyReply> {
  const { head, rest } = gather(text);
  const isLong = rest !== undefined;
  if (!isLong && head.length < gzipFromBytes) return reply.send(head);
  reply.header("Vary", "Accept-Encoding");
  if (!acceptsGzip(reply.request.headers["accept-encoding"])) {
    return isLong ? reply.send(Readable.from(after(head, rest))) : reply.send(head);
  }
  reply.header("Content-Encoding", "gzip");
  if (!isLong) return reply.send(await gzipAll(head, gzipOptions));
  const source = Readable.from(after(head, rest));
  const zipped = createGzip(gzipOptions);
  // A client that goes away destroys what fastify sends; the source has to end with it.
  zipped.once("close", () => source.destroy());
  return reply.send(source.pipe(zipped));
}

/** Pieces up to the limit as one text, and what is left of them, if anything. */
function gather(text: string | Iterable<string>): {
  head: string;
  rest: Iterator<string> | undefined;
} {
  if (typeof text === "string") return { head: text, rest: undefined };
  const iterator = text[Symbol.iterator]();
  let head = "";
  while (head.length <= piecesFromLength) {
    const { value, done } = iterator.next();
    if (done === true) return { head, rest: undefined };
    head += value;
  }
  return { head, rest: iterator };
}

function* after(head: string, rest: Iterator<string>): Generator<string> {
  yield head;
  for (;;) {
    const { value, done } = rest.next();
    if (done === true) return;
    yield value;
  }
}

/** `gzip` or `*` in Accept-Encoding, unless its weight is zero. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  if (header === undefined) return false;
  const items = (Array.isArray(header) ? header.join(",") : header).toLowerCase().split(",");
  return items.some((item) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/.test(item));
}
