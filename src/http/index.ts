/** Loki's HTTP API. */
export type { AdminPort, HttpPorts, PushPort, PushReply, PushRequest } from "./ports.ts";
export { queryRoutes } from "./query-routes.ts";
export { type HttpServer, type ServerOptions, startHttpServer } from "./server.ts";
