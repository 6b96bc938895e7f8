import type { FastifyRequest } from "fastify";

/** More flags than this in one header are passed over. */
const flagsMax = 16;

export interface EncodingFlags {
  /** As the client wrote them; an answer of streams names them again. */
  readonly names: readonly string[];
  /** Entries say which labels are structured metadata and which were parsed. */
  readonly categorize: boolean;
}

/** The header `X-Loki-Response-Encoding-Flags`. */
export function encodingFlags(request: Pick<FastifyRequest, "headers">): EncodingFlags {
  const header = request.headers["x-loki-response-encoding-flags"];
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  const names = text === "" ? [] : text.split(",", flagsMax);
  return { names, categorize: names.includes("categorize-labels") };
}
