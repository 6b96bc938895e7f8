import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions as ServerSettings,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { ServerTls } from "#access";
import { isStoreError, messageOf, MiB, RequestError } from "#base";
import websocket from "@fastify/websocket";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { AnswerWatch } from "./answer-watch.ts";
import { cleanPath } from "./clean-path.ts";
import { setContentTypeAside } from "./content-type.ts";
import { allowOrigins } from "./cross-origin.ts";
import { chooseProtocol, guardAccess } from "./guard-access.ts";
import { HeadWatch } from "./head-watch.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { inviteBodies, passExpectations } from "./invite-body.ts";
import type { HttpPorts } from "./ports.ts";
import { refuseConnection } from "./refuse-connection.ts";
import { observeRequests } from "./request-metrics.ts";
import { limitReads } from "./limit-reads.ts";
import { readBody } from "./read-body.ts";
import { sendText } from "./respond.ts";
import { UnreadBodies } from "./unread-bodies.ts";
import { withoutSchemas } from "./without-schemas.ts";

export { sendJson, sendText } from "./respond.ts";

export type RouteFamily = (app: FastifyInstance, ports: HttpPorts) => void;

export interface ServerOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** server.http_path_prefix: stands before every path, `/logs` say. */
  readonly pathPrefix?: string;
  /** Of a push; other bodies are forms and have their own limit. */
  readonly bodyBytesMax: number;
  readonly readTimeoutMs: number;
  /** Within it a client must take its answer, or a fair part of it; 30 s when not given. 0: never. */
  readonly writeTimeoutMs?: number;
  readonly idleTimeoutMs: number;
  /** How long requests under way may take to finish when closing; 30 s when not given. */
  readonly gracefulShutdownTimeoutMs?: number;
  /** server.http_server_read_header_timeout; as readTimeoutMs, at most 30 s, when not given. */
  readonly headersTimeoutMs?: number;
  /** Connections at once; more are closed as they come. 16,384 when not given. */
  readonly connectionsMax?: number;
  /** Not given: plain HTTP. */
  readonly tls?: Pick<ServerTls, "options" | "attach">;
  /** Pages of these origins may read answers. */
  readonly allowedOrigins?: readonly string[];
  readonly ports: HttpPorts;
  readonly routes: readonly RouteFamily[];
}

export interface HttpServer {
  /** `http://127.0.0.1:3100`. */
  readonly url: string;
  /** Takes no new connection, lets requests under way finish, then closes what is left. */
  close(): Promise<void>;
}

/**
 * Longer request lines and headers are refused with 431. As large as Go's default: dashboards ask
 * by GET, with selectors that list hundreds of pods.
 */
const headerBytesMax: number = MiB;
/** More headers than this are refused with 431. */
const headersCountMax = 200;
/** Long enough for every label name that a stream can have. */
const pathParameterLengthMax = 4096;
/** Clients send nothing but closing frames over a websocket. */
const websocketPayloadBytesMax: number = 64 * 1024;
const websocketSettings = {
  maxPayload: websocketPayloadBytesMax,
  handleProtocols: chooseProtocol,
  /** For a client to answer that it closes, too; then its connection is cut. */
  closeTimeout: 5_000,
};
const headersTimeoutDefaultMs = 30_000;
/** Idle ones cost some 20 KiB each; a process usually may have this many files open. */
const connectionsDefault = 16_384;
/**
 * Connections that wait to be accepted, at most as the system allows (net.core.somaxconn, 4,096).
 * Beyond it they are reset, which clients cannot tell from a crash.
 */
const acceptBacklog = 4096;
/** How late a connection that sends too slowly may be found. */
const timeoutCheckMs = 5_000;
const writeTimeoutDefaultMs = 30_000;
const gracefulShutdownDefaultMs = 30_000;
/** The websocket's code for "this end is going away". */
const goingAwayCode = 1001;

export async function startHttpServer(options: ServerOptions): Promise<HttpServer> {
  const { ports } = options;
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyBytesMax,
    schemaController: withoutSchemas,
    routerOptions: { maxParamLength: pathParameterLengthMax },
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    serverFactory: (handler) => nodeServer(handler, options),
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, ports.clock),
    frameworkErrors: (_error, _request, reply) => {
      sendText(reply, 400, "400 Bad Request");
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", readBody);
  app.setErrorHandler((error, request, reply) => sendError(error, { request, reply, ports }));
  app.setNotFoundHandler((_request, reply) => sendText(reply, 404, "404 page not found"));
  await app.register(websocket, { options: websocketSettings, preClose: closeWebsockets });
  const prefix = options.pathPrefix ?? "";
  const origins = new Set(options.allowedOrigins);
  observeRequests(app, ports);
  allowOrigins(app, origins);
  guardRequests(app, options);
  guardAccess(app, { ports, prefix, origins });
  limitReads(app, ports);
  await app.register(
    async (scope) => {
      for (const route of options.routes) route(scope, ports);
    },
    { prefix },
  );
  const { address: host, port } = options;
  const url = await app.listen({ host, port, backlog: acceptBacklog });
  const scheme = options.tls === undefined ? "http" : "https";
  return { url: url.replace(/^https?/, scheme), close: () => closeWithin(app, options) };
}

/** Clients that tail are told to go; they come back to whoever answers then. */
function closeWebsockets(this: FastifyInstance, done: () => void): void {
  for (const client of this.websocketServer.clients) {
    client.close(goingAwayCode, "the server is shutting down");
  }
  this.websocketServer.close();
  done();
}

async function closeWithin(app: FastifyInstance, options: ServerOptions): Promise<void> {
  const graceMs = options.gracefulShutdownTimeoutMs ?? gracefulShutdownDefaultMs;
  const cancel = options.ports.clock.schedule(graceMs, () => {
    for (const client of app.websocketServer.clients) client.terminate();
    app.server.closeAllConnections();
  });
  await app.close();
  cancel();
}

function nodeServer(handler: RequestListener, options: ServerOptions): Server {
  const { readTimeoutMs, tls, ports } = options;
  const headersTimeoutMs = options.headersTimeoutMs ?? headersTimeoutDefaultMs;
  const settings: ServerSettings = {
    maxHeaderSize: headerBytesMax,
    requestTimeout: readTimeoutMs,
    headersTimeout: shortest(readTimeoutMs, headersTimeoutMs),
    connectionsCheckingInterval: shortest(readTimeoutMs, headersTimeoutMs, timeoutCheckMs),
    keepAliveTimeout: options.idleTimeoutMs,
    // Who asks for h2c (curl --http2 does) gets an answer in HTTP/1.1, as the standard has it.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
  };
  const heads = new HeadWatch(ports);
  const inTurn = oneAtATime(handler, { ...ports, heads });
  const server =
    tls === undefined ? createServer(settings, inTurn) : tlsServer(tls, settings, inTurn);
  passExpectations(server, inTurn);
  heads.watch(server, tls === undefined ? "connection" : "secureConnection");
  server.maxHeadersCount = headersCountMax;
  server.maxConnections = options.connectionsMax ?? connectionsDefault;
  const dropped = ports.metrics.counter(
    "skald_http_connections_refused_total",
    "Connections closed as they came, because there were too many.",
  );
  server.on("drop", () => dropped.inc());
  return server;
}

/** Of those that are in force; 0 stands for none. */
function shortest(...timeoutsMs: readonly number[]): number {
  const inForce = timeoutsMs.filter((ms) => ms > 0);
  return inForce.length === 0 ? 0 : Math.min(...inForce);
}

function tlsServer(
  tls: NonNullable<ServerOptions["tls"]>,
  settings: ServerSettings,
  handler: RequestListener,
): Server {
  const server = createTlsServer({ ...settings, ...tls.options() }, handler);
  tls.attach(server);
  // What fastify and we do with it, both kinds can.
  return server as unknown as Server;
}

/** What holds for every route: clean paths, a process that is ready, clients that keep reading. */
function guardRequests(app: FastifyInstance, options: ServerOptions): void {
  const { admin } = options.ports;
  const timeoutMs = options.writeTimeoutMs ?? writeTimeoutDefaultMs;
  const answers = new AnswerWatch({ ...options.ports, timeoutMs });
  app.addHook("onClose", async () => answers.close());
  const unread = new UnreadBodies(options.ports);
  app.addHook("preClose", async () => unread.close());
  inviteBodies(app);
  app.addHook("onRequest", async (request, reply) => {
    setContentTypeAside(request);
    const [path = "", ...query] = (request.raw.url ?? "").split("?");
    const clean = cleanPath(path);
    if (clean !== undefined) {
      const location = [clean, ...query].join("?");
      return reply.code(301).header("Location", location).send();
    }
    const { kind = "admin" } = request.routeOptions.config;
    if (kind === "admin") return undefined;
    const reason = admin.notReady();
    if (reason === undefined || (kind === "read" && admin.isStopping())) return undefined;
    if (admin.isDraining?.() === true) return undefined;
    throw new RequestError(503, reason, { retryAfterSeconds: 5 });
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    // Node has let go of a connection that wanted to be upgraded: it cannot be used again.
    if (request.ws || unread.isLeft(request.raw)) reply.header("Connection", "close");
    answers.begin(reply.raw, request.routeOptions.config.streams === true);
    done();
  });
}

/** Aborts when the client goes away before the answer is complete. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

interface Failure {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly ports: HttpPorts;
}

function sendError(error: unknown, { request, reply, ports }: Failure): FastifyReply {
  if (error instanceof RequestError) {
    if (error.retryAfterSeconds !== undefined) {
      reply.header("Retry-After", String(error.retryAfterSeconds));
    }
    return sendText(reply, error.status, error.message);
  }
  if (isStoreError(error)) {
    ports.log.error("store failed", { reason: error.message, kind: error.kind });
    return sendText(reply.header("Retry-After", "5"), 503, error.message);
  }
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return sendTooLarge(request, reply);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return sendText(reply, statusCode, messageOf(error));
  }
  ports.log.error("request failed", {
    path: request.routeOptions.url,
    reason: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  return sendText(reply, 500, "internal error");
}

function sendTooLarge(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { bodyLimit, config } = request.routeOptions;
  if (config.kind !== "push") return sendText(reply, 413, "http: POST too large");
  const length = request.headers["content-length"];
  const size = length === undefined ? "" : `${length} vs `;
  return sendText(reply, 413, `received message larger than max (${size}${bodyLimit})`);
}
