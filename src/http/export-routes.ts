import { Readable } from "node:stream";
import { constants, createGzip } from "node:zlib";
import { RequestError } from "#base";
import type { AnswerEntry } from "#query";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { entryJson } from "./entry-json.ts";
import { onWithdrawn } from "./follow-access.ts";
import { parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { readDirection } from "./query-routes.ts";
import { acceptsGzip } from "./respond.ts";
import { type Handler, route } from "./routing.ts";
import { goneSignal } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseBounds } from "./times.ts";

const linesType = "application/x-ndjson";

/**
 * `export`: every entry of a log query, a JSON object a line, as fast as the client reads. What goes
 * wrong before the first entry is an ordinary error; after it, the last line is `{"error":"…"}`.
 * Parts that could not be read are told by lines `{"warning":"…"}` at the end. Not in Loki.
 */
export function exportRoutes(app: FastifyInstance, ports: HttpPorts): void {
  const handler: Handler = (request, reply) => exportEntries(request, reply, ports);
  route(app, ["GET", "POST"], "/skald/api/v1/export", handler, { streams: true });
}

async function exportEntries(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  const warnings: string[] = [];
  const withdrawn = new AbortController();
  onWithdrawn(request, (reason) => withdrawn.abort(new RequestError(403, reason)));
  const lists = ports.entries.export({
    tenants,
    text: parameters.get("query"),
    fromNs: startNs,
    toNs: endNs,
    direction: parameters.get("direction") === "" ? "forward" : readDirection(parameters),
    limits: limitsFor(request, tenants, ports.limits),
    signal: AbortSignal.any([goneSignal(reply), withdrawn.signal]),
    warn: (message) => warnings.push(message),
  });
  const iterator = lists[Symbol.asyncIterator]();
  const first = await iterator.next();
  const texts = linesOf(first, iterator, {
    warnings,
    withdrawn: withdrawn.signal,
    log: ports.log,
  });
  const lines = Readable.from(texts, {
    objectMode: false,
    highWaterMark: 64 * 1024,
  });
  reply.code(200).header("Content-Type", linesType).header("Vary", "Accept-Encoding");
  if (!acceptsGzip(request.headers["accept-encoding"])) return reply.send(lines);
  const zipped = createGzip({ level: constants.Z_BEST_SPEED });
  // A client that goes away destroys what fastify sends; the reading has to end with it.
  zipped.once("close", () => lines.destroy());
  return reply.header("Content-Encoding", "gzip").send(lines.pipe(zipped));
}

interface Ending {
  readonly warnings: readonly string[];
  /** Aborted with what the client is told. */
  readonly withdrawn: AbortSignal;
  readonly log: HttpPorts["log"];
}

async function* linesOf(
  first: IteratorResult<readonly AnswerEntry[]>,
  iterator: AsyncIterator<readonly AnswerEntry[]>,
  { warnings, withdrawn, log }: Ending,
): AsyncGenerator<Buffer> {
  try {
    for (let next = first; next.done !== true; next = await iterator.next()) {
      if (next.value.length > 0) {
        yield Buffer.from(`${next.value.map(entryJson).join("\n")}\n`);
      }
    }
    for (const warning of warnings) yield Buffer.from(`${JSON.stringify({ warning })}\n`);
  } catch (error) {
    const reason: unknown = withdrawn.aborted ? withdrawn.reason : error;
    yield Buffer.from(`${JSON.stringify({ error: reasonOf(reason, log) })}\n`);
  } finally {
    await iterator.return?.();
  }
}

/** Texts of our own errors are for the client, others for our log. */
function reasonOf(error: unknown, log: HttpPorts["log"]): string {
  if (error instanceof RequestError) return error.message;
  const reason = error instanceof Error ? error.message : String(error);
  log.error("export failed", { reason });
  return "internal error";
}
