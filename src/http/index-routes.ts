import { nsPerMs, RequestError } from "#base";
import { parseLogSelector } from "#logql";
import type { Matcher } from "#model";
import type { IndexRequest, VolumeRequest } from "#query";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { labelsJson, listJson, secondsJson } from "./json-text.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { route } from "./routing.ts";
import { goneSignal, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseBounds, parseStep } from "./times.ts";

const volumeLimitDefault = 100;
/** A volume by more labels than this is a mistake. */
const targetLabelsMax = 100;
const nsPerSecond = 1_000_000_000n;

/** How much there is, from the index alone. */
export function indexRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET", "POST"], "/loki/api/v1/index/stats", (request, reply) =>
    stats(request, reply, ports),
  );
  route(app, ["GET", "POST"], "/loki/api/v1/index/volume", (request, reply) =>
    volume(request, reply, ports),
  );
  route(app, ["GET", "POST"], "/loki/api/v1/index/volume_range", (request, reply) =>
    volumeRange(request, reply, ports),
  );
}

interface Asked {
  readonly parameters: Parameters;
  readonly request: IndexRequest;
}

function indexRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
  parse: (text: string) => readonly Matcher[],
): Asked {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  return {
    parameters,
    request: {
      tenants,
      matchers: parse(parameters.get("query")),
      range: { fromNs: startNs, toNs: endNs },
      limits: limitsFor(request, tenants, ports.limits),
      signal: goneSignal(reply),
    },
  };
}

async function stats(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const asked = indexRequest(request, reply, ports, (text) => parseLogSelector(text).matchers);
  const { streams, chunks, entries, bytes } = await ports.index.stats(asked.request);
  return sendJson(reply, JSON.stringify({ streams, chunks, entries, bytes }));
}

/** `{}` asks for the volume of everything. */
function volumeMatchers(text: string): readonly Matcher[] {
  return text.trim() === "{}" ? [] : parseLogSelector(text).matchers;
}

function volumeRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): { readonly parameters: Parameters; readonly volume: VolumeRequest } {
  const asked = indexRequest(request, reply, ports, volumeMatchers);
  const { parameters } = asked;
  const limit = parameters.integer("limit", volumeLimitDefault);
  if (limit < 0) throw new RequestError(400, "limit must be a positive value");
  return {
    parameters,
    volume: {
      ...asked.request,
      // Zero is a limit that was not given.
      limit: limit === 0 ? volumeLimitDefault : limit,
      targetLabels: targetLabelsOf(parameters),
      aggregateBy: aggregationOf(parameters),
    },
  };
}

function targetLabelsOf(parameters: Parameters): string[] {
  const text = parameters.get("targetLabels");
  const names = text === "" ? [] : text.split(",");
  if (names.length <= targetLabelsMax) return names;
  throw new RequestError(400, `too many targetLabels: at most ${targetLabelsMax}`);
}

function aggregationOf(parameters: Parameters): VolumeRequest["aggregateBy"] {
  const text = parameters.get("aggregateBy");
  if (text === "") return "series";
  if (text === "series" || text === "labels") return text;
  throw new RequestError(400, "invalid aggregation option");
}

async function volume(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const asked = volumeRequest(request, reply, ports);
  const volumes = await ports.index.volume(asked.volume);
  const time = secondsJson(Number(asked.volume.range.toNs / nsPerMs));
  const items = volumes.map(
    ({ labels, bytes }) => `{"metric":${labelsJson(labels)},"value":[${time},"${bytes}"]}`,
  );
  return sendJson(reply, resultJson("vector", items));
}

async function volumeRange(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const asked = volumeRequest(request, reply, ports);
  const { range } = asked.volume;
  const stepNs = parseStep(asked.parameters.get("step")) ?? defaultStep(range);
  if (stepNs <= 0n) {
    throw new RequestError(
      400,
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  }
  const found = await ports.index.volumeRange({ ...asked.volume, stepNs });
  const items = found.map(({ labels, points }) => {
    const values = points.map(({ timeMs, bytes }) => `[${secondsJson(timeMs)},"${bytes}"]`);
    return `{"metric":${labelsJson(labels)},"values":[${values.join(",")}]}`;
  });
  // Loki calls nothing a vector.
  return sendJson(reply, resultJson(items.length === 0 ? "vector" : "matrix", items));
}

/** As for queries: 250 points, at least a second apart. */
function defaultStep(range: { fromNs: bigint; toNs: bigint }): bigint {
  const seconds = (range.toNs - range.fromNs) / (250n * nsPerSecond);
  return (seconds > 1n ? seconds : 1n) * nsPerSecond;
}

function* resultJson(type: "vector" | "matrix", items: readonly string[]): Generator<string> {
  yield `{"status":"success","data":{"resultType":"${type}","result":`;
  yield* listJson(items);
  yield "}}";
}
