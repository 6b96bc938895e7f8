import { createServer, type Server } from "node:http";
import { isStoreError, messageOf, RequestError } from "#base";
import websocket from "@fastify/websocket";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import type { HttpPorts } from "./ports.ts";

export interface ServerOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly bodyBytesMax: number;
  readonly readTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly ports: HttpPorts;
  readonly routes: readonly ((app: FastifyInstance, ports: HttpPorts) => void)[];
}

export interface HttpServer {
  /** `http://127.0.0.1:3100`. */
  readonly url: string;
  /** Takes no new connection, lets requests under way finish, then closes what is left. */
  close(): Promise<void>;
}

/** Longer request lines and headers are refused with 431; selectors can be long, bodies are for the rest. */
const headerBytesMax: number = 64 * 1024;
/** Header lists longer than this are not from a client of ours. */
const headersCountMax = 200;
/** A label name in a path may be as long as any label name. */
const pathParameterLengthMax = 4096;

export async function startHttpServer(options: ServerOptions): Promise<HttpServer> {
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyBytesMax,
    routerOptions: { maxParamLength: pathParameterLengthMax },
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    serverFactory: (handler) => nodeServer(handler, options),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => sendError(reply, error, options.ports));
  app.setNotFoundHandler((_request, reply) => {
    sendText(reply, 404, "404 page not found");
  });
  await app.register(websocket, { options: { maxPayload: 64 * 1024 } });
  app.after(() => {
    for (const route of options.routes) route(app, options.ports);
  });
  const url = await app.listen({ host: options.address, port: options.port });
  return { url, close: () => app.close() };
}

function nodeServer(handler: Parameters<typeof createServer>[1], options: ServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      requestTimeout: options.readTimeoutMs,
      headersTimeout: Math.min(options.readTimeoutMs, 30_000),
      keepAliveTimeout: options.idleTimeoutMs,
    },
    handler,
  );
  server.maxHeadersCount = headersCountMax;
  return server;
}

/** An answer in plain text, as Go's `http.Error` writes it. */
export function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply
    .code(status)
    .header("Content-Type", "text/plain; charset=utf-8")
    .header("X-Content-Type-Options", "nosniff")
    .send(`${text}\n`);
}

export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.code(200).header("Content-Type", "application/json; charset=UTF-8").send(json);
}

function sendError(reply: FastifyReply, error: unknown, ports: HttpPorts): FastifyReply {
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
  const status = (error as { statusCode?: number }).statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    return sendText(reply, status, messageOf(error));
  }
  ports.log.error("request failed", {
    reason: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  return sendText(reply, 500, "internal error");
}
