import { nsPerSecond, RequestError } from "#base";
import { parseLabels } from "#logql";
import { type AnswerEntry, contextEntriesMax } from "#query";
import type { FastifyInstance } from "fastify";
import { entryJson } from "./entry-json.ts";
import { listJson } from "./json-text.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { route } from "./routing.ts";
import { goneSignal, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseTime } from "./times.ts";

const countDefault = 10;

/** Neighbours are looked for this far away when nothing else is said. */
const reachNs = 86_400n * nsPerSecond;

/** `context`: the entries before and after one entry, exact among equal times. Not in Loki. */
export function contextRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET", "POST"], "/skald/api/v1/context", async (request, reply) => {
    const tenants = tenantsOf(request, ports);
    const parameters = parametersOf(request);
    const timeNs = parseTime(parameters.get("time"), "time");
    if (timeNs === undefined) throw new RequestError(400, "time is required");
    const found = await ports.entries.context({
      tenants,
      text: parameters.get("query"),
      timeNs,
      fromNs: parseTime(parameters.get("start"), "start") ?? timeNs - reachNs,
      toNs: parseTime(parameters.get("end"), "end") ?? timeNs + reachNs,
      line: parameters.all("line")[0],
      stream: readStream(parameters.get("stream")),
      beforeCount: readCount(parameters, "before"),
      afterCount: readCount(parameters, "after"),
      scope: readScope(parameters.get("scope")),
      limits: limitsFor(request, tenants, ports.limits),
      signal: goneSignal(reply),
    });
    return sendJson(reply, contextJson(found));
  });
}

/** `{app="x"}`: labels of the entry meant. */
function readStream(text: string): ReadonlyMap<string, string> {
  return new Map(text === "" ? [] : parseLabels(text).pairs);
}

function readCount(parameters: Parameters, name: string): number {
  const count = parameters.integer(name, countDefault);
  if (count >= 0 && count <= contextEntriesMax) return count;
  throw new RequestError(400, `invalid ${name}: a whole number from 0 to ${contextEntriesMax}`);
}

function readScope(text: string): "stream" | "query" {
  if (text === "" || text === "stream") return "stream";
  if (text === "query") return text;
  throw new RequestError(400, `invalid scope '${text}': stream or query`);
}

function* contextJson(found: {
  readonly before: readonly AnswerEntry[];
  readonly entry: AnswerEntry;
  readonly after: readonly AnswerEntry[];
  readonly warnings: readonly string[];
}): Generator<string> {
  yield `{"status":"success"`;
  if (found.warnings.length > 0) yield `,"warnings":${JSON.stringify(found.warnings)}`;
  yield `,"data":{"before":`;
  yield* listJson(found.before.map(entryJson));
  yield `,"entry":${entryJson(found.entry)},"after":`;
  yield* listJson(found.after.map(entryJson));
  yield "}}";
}
