import { messageOf, RequestError, second } from "#base";
import { type Expr, parseQuery } from "#logql";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { encodingFlags } from "./encoding-flags.ts";
import { onWithdrawn } from "./follow-access.ts";
import { withRegexp } from "./legacy-routes.ts";
import { isFromElsewhere } from "./own-page.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { readLimit } from "./query-routes.ts";
import { sendText } from "./respond.ts";
import { refuseOthers } from "./routing.ts";
import { type FrameWriter, frameWriter, legacyFrame } from "./tail-frame.ts";
import { policyCode } from "./tail-client.ts";
import { closeSocket, type TailRequest, TailSession } from "./tail-session.ts";
import { tenantOf } from "./tenants.ts";
import { parseBounds } from "./times.ts";

const delaySecondsMax = 5;
const uint32Max = 2 ** 32 - 1;

/** Live logs over a websocket: `/loki/api/v1/tail` and its first version. */
export function tailRoutes(app: FastifyInstance, ports: HttpPorts): void {
  const tails = new Tails(ports);
  tailRoute(app, tails, { path: "/loki/api/v1/tail", isLegacy: false, ports });
  tailRoute(app, tails, { path: "/api/prom/tail", isLegacy: true, ports });
}

interface Place {
  readonly path: string;
  readonly isLegacy: boolean;
  readonly ports: HttpPorts;
}

/** What a request asks, and what it was found to ask before the connection is a websocket. */
interface Asked extends Omit<TailRequest, "log"> {
  readonly expr: Expr;
}

/** A bad request is answered as such; only a good one is upgraded. */
function tailRoute(app: FastifyInstance, tails: Tails, place: Place): void {
  const asked = new WeakMap<FastifyRequest, Asked>();
  app.route({
    method: "GET",
    url: place.path,
    config: { kind: "read" },
    preValidation: (request, _reply, done) => {
      takeHeadersFromAddress(request);
      asked.set(request, readRequest(request, place));
      tails.checkAddress(request.ip);
      done();
    },
    handler: async (_request, reply) => sendText(reply, 400, "Bad Request"),
    wsHandler: (socket, request) => tails.serve(socket, asked.get(request)!, request),
  });
  refuseOthers(app, ["GET"], place.path);
}

const noOrigins: ReadonlySet<string> = new Set();
const headerOfParameter = { tenant: "x-scope-orgid", flags: "x-loki-response-encoding-flags" };

/**
 * A browser's websocket cannot set headers, so the page names tenant and flags in the address. That
 * counts only when the browser says that it is this server's page, and never against a header.
 */
function takeHeadersFromAddress(request: FastifyRequest): void {
  if (request.headers.origin === undefined || isFromElsewhere(request.headers, noOrigins)) return;
  const parameters = parametersOf(request);
  for (const [name, header] of Object.entries(headerOfParameter)) {
    const value = parameters.get(name);
    if (value !== "" && (request.headers[header] ?? "") === "") request.headers[header] = value;
  }
}

function readRequest(request: FastifyRequest, { ports, isLegacy }: Place): Asked {
  const tenant = tenantOf(request, ports);
  const parameters = parametersOf(request);
  const regexp = isLegacy ? parameters.get("regexp") : "";
  const text = withRegexp(parameters.get("query"), regexp);
  const expr = parseQuery(text);
  const limit = readLimit(parameters);
  const { startNs } = parseBounds(parameters, ports.clock);
  const flags = encodingFlags(request);
  const frame: FrameWriter = isLegacy ? legacyFrame : frameWriter(flags);
  return {
    tenant,
    text,
    expr,
    limit,
    fromNs: startNs,
    delayMs: delayOf(parameters) * second,
    categorize: flags.categorize && !isLegacy,
    limits: limitsFor(request, [tenant], ports.limits),
    frame,
  };
}

function delayOf(parameters: Parameters): number {
  const seconds = parameters.integer("delay_for", 0);
  if (seconds < 0 || seconds > uint32Max) {
    throw new RequestError(400, `delay_for value ${seconds} is out of range [0, ${uint32Max}]`);
  }
  if (seconds > delaySecondsMax) {
    throw new RequestError(400, `delay_for can't be greater than ${delaySecondsMax}`);
  }
  return seconds;
}

/** The tails under way, counted by tenant and by network address. */
class Tails {
  readonly #ports: HttpPorts;
  readonly #countOf = new Map<string, number>();
  readonly #countAt = new Map<string, number>();

  constructor(ports: HttpPorts) {
    this.#ports = ports;
    ports.metrics.observe("loki_querier_tail_active", "Number of active tailers.", () =>
      [...this.#countOf.values()].reduce((sum, count) => sum + count, 0),
    );
  }

  /** Throws RequestError 429 when the address has as many tails as one may have. */
  checkAddress(address: string): void {
    const max = this.#ports.tailsPerAddressMax ?? 0;
    if (max <= 0 || (this.#countAt.get(address) ?? 0) < max) return;
    throw new RequestError(429, `more than ${max} live tails from ${address}`, {
      retryAfterSeconds: 30,
    });
  }

  /** Takes the connection over; never throws. */
  serve(socket: WebSocket, asked: Asked, request: FastifyRequest): void {
    const { expr } = asked;
    const refused = this.#refusal(asked);
    if (refused !== undefined || expr.kind !== "log") {
      closeSocket(socket, refused ?? "only log selector is supported");
      return;
    }
    const { tenant } = asked;
    const address = request.ip;
    const connected = { socket, connection: request.socket };
    const session = new TailSession({ ...asked, log: expr }, connected, this.#ports);
    onWithdrawn(request, (reason) => session.close(reason, policyCode));
    count(this.#countOf, tenant, 1);
    count(this.#countAt, address, 1);
    session
      .run()
      .catch((error: unknown) => {
        this.#ports.log.error("tail failed", { tenant, reason: messageOf(error) });
        closeSocket(socket, "internal error");
      })
      .finally(() => {
        count(this.#countOf, tenant, -1);
        count(this.#countAt, address, -1);
      });
  }

  /** Loki counts after the upgrade; its words show that another process was asked. */
  #refusal({ tenant, limits }: Asked): string | undefined {
    const max = limits.maxConcurrentTailRequests;
    const count = (this.#countOf.get(tenant) ?? 0) + 1;
    if (max <= 0 || count <= max) return undefined;
    const reason = `max concurrent tail requests limit exceeded, count > limit (${count} > ${max})`;
    return `rpc error: code = Code(400) desc = ${reason}`;
  }
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const now = (counts.get(key) ?? 0) + change;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}
