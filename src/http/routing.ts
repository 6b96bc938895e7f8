import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import { sendText } from "./server.ts";

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

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
): void {
  app.route({ method: [...methods], url: path, handler });
  const others = allMethods.filter((method) => !methods.includes(method));
  app.route({
    method: others,
    url: path,
    handler: async (_request, reply) =>
      sendText(reply.header("Allow", methods.join(", ")), 405, "405 method not allowed"),
  });
}
