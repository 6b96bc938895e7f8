import { MiB } from "#base";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import { sendText } from "./respond.ts";

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/**
 * What a route needs of the process: `push` that it takes data, `read` that what was stored before
 * is back in memory, `admin` nothing.
 */
export type RouteKind = "push" | "read" | "admin";

export interface RouteOptions {
  /** `read` when nothing else is said. */
  readonly kind?: RouteKind;
  /** Forms of selectors fit 10 MiB (Go's own limit); pushes have a limit of their own. */
  readonly bodyBytesMax?: number;
  /** Its answers are made while they are read: a client may read them slowly. */
  readonly streams?: boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    kind?: RouteKind;
    streams?: boolean;
  }
}

const formBytesMax: number = 10 * MiB;

const allMethods: readonly HTTPMethods[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
];

/** Registers a route; other methods on its path are answered with 405. */
export function route(
  app: FastifyInstance,
  methods: readonly HTTPMethods[],
  path: string,
  handler: Handler,
  options: RouteOptions = {},
): void {
  const { kind = "read", bodyBytesMax = formBytesMax, streams = false } = options;
  app.route({
    method: [...methods],
    url: path,
    handler,
    bodyLimit: bodyBytesMax,
    config: { kind, streams },
  });
  refuseOthers(app, methods, path);
}

/** Answers every method of the path but these with 405. */
export function refuseOthers(
  app: FastifyInstance,
  methods: readonly HTTPMethods[],
  path: string,
): void {
  const others = allMethods.filter((method) => !methods.includes(method));
  app.route({
    method: others,
    url: path,
    config: { kind: "admin" },
    handler: async (_request, reply) =>
      sendText(reply.header("Allow", methods.join(", ")), 405, "405 method not allowed"),
  });
}
