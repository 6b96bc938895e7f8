/** Loki's HTTP API. */
export { type PagePort, pageRoutes } from "./page-routes.ts";
export { deleteRoutes } from "./delete-routes.ts";
export { type LifecyclePort, lifecycleRoutes } from "./lifecycle-routes.ts";
export { patternsRoutes } from "./patterns-routes.ts";
export type {
  AccessPort,
  AdminPort,
  BuildInfo,
  HttpPorts,
  PushPort,
  PushReply,
  PushRequest,
  TailPort,
} from "./ports.ts";
export { PushAdmission } from "./push-admission.ts";
export { pushRoutes } from "./push-routes.ts";
export { queryRoutes } from "./query-routes.ts";
export { allRoutes } from "./routes.ts";
export { type ProfilePort, profileRoutes } from "./profile-routes.ts";
export { slowQueriesRoutes } from "./slow-queries-routes.ts";
export { type RulesPort, rulesRoutes } from "./rules-routes.ts";
export {
  type HttpServer,
  type RouteFamily,
  type ServerOptions,
  startHttpServer,
} from "./server.ts";
