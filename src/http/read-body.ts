import { errorCodes, type FastifyRequest } from "fastify";
import { giveBack, KiB } from "#base";

/** Pieces of a body that are smaller are V8's own business. */
const pieceBytesMin: number = 4 * KiB;

/**
 * A body as one buffer that belongs to the request. It does what fastify does for parsers that want a
 * buffer, with the same errors, but the pieces that came are given back as soon as they are joined:
 * a push of a mebibyte left as much garbage outside of V8's heap as it has bytes.
 */
export function readBody(
  request: FastifyRequest,
  payload: NodeJS.ReadableStream,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const limit = request.routeOptions.bodyLimit;
  const announced = Number(request.headers["content-length"]);
  if (announced > limit) {
    done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    return;
  }
  const pieces: Buffer[] = [];
  let length = 0;
  const end = (error: Error | null, body?: Buffer): void => {
    payload.off("data", onData).off("end", onEnd).off("error", onError);
    done(error, body);
  };
  const onData = (piece: Buffer): void => {
    length += piece.length;
    if (length > limit) end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    else pieces.push(piece);
  };
  const onEnd = (): void => {
    const isWhole = Number.isNaN(announced) || length === announced;
    if (isWhole) end(null, joined(pieces, length));
    else end(new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH());
  };
  const onError = (error: Error & { statusCode?: number }): void => {
    // What becomes of a body on its way is nothing this server did.
    if (!(error.statusCode !== undefined && error.statusCode >= 400)) error.statusCode = 400;
    end(error);
  };
  payload.on("data", onData).on("end", onEnd).on("error", onError);
  payload.resume();
}

/** Nobody else has the pieces: the parser of HTTP copies them out of what it reads. */
function joined(pieces: readonly Buffer[], length: number): Buffer {
  const [first] = pieces;
  if (pieces.length === 1 && first!.buffer.byteLength === first!.length) return first!;
  const body = Buffer.concat(pieces, length);
  for (const piece of pieces) giveBack(piece, pieceBytesMin);
  return body;
}
