import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";

/**
 * What clients call their bodies. Fastify refuses types it cannot parse; Loki reads the body first
 * and has words of its own for them. So fastify is shown one type for all bodies, and the routes
 * read what was sent from here.
 */
const sentTypes = new WeakMap<IncomingMessage, string>();

const opaqueType = "application/octet-stream";

/** Call once per request, before its body is read. */
export function setContentTypeAside({ raw }: FastifyRequest): void {
  const type = raw.headers["content-type"];
  if (type === undefined) return;
  sentTypes.set(raw, type);
  raw.headers["content-type"] = opaqueType;
}

/** The header as the client sent it. */
export function contentTypeOf({ raw }: FastifyRequest): string | undefined {
  return sentTypes.get(raw);
}
