import { adminRoutes } from "./admin-routes.ts";
import { contextRoutes } from "./context-routes.ts";
import { detectedRoutes } from "./detected-routes.ts";
import { drilldownRoutes } from "./drilldown-routes.ts";
import { explainRoutes } from "./explain-routes.ts";
import { exportRoutes } from "./export-routes.ts";
import { formatRoutes } from "./format-routes.ts";
import { indexRoutes } from "./index-routes.ts";
import { labelRoutes } from "./label-routes.ts";
import { legacyQueryRoutes } from "./legacy-routes.ts";
import { pushRoutes } from "./push-routes.ts";
import { sessionRoutes } from "./session-routes.ts";
import { queryRoutes } from "./query-routes.ts";
import { ringRoutes } from "./ring-routes.ts";
import type { RouteFamily } from "./server.ts";
import { statusRoutes } from "./status-routes.ts";
import { tailRoutes } from "./tail-routes.ts";

/** Every family that needs nothing but HttpPorts, for a process with all roles. */
export const allRoutes: readonly RouteFamily[] = [
  pushRoutes,
  queryRoutes,
  contextRoutes,
  explainRoutes,
  exportRoutes,
  legacyQueryRoutes,
  labelRoutes,
  indexRoutes,
  formatRoutes,
  detectedRoutes,
  drilldownRoutes,
  tailRoutes,
  statusRoutes,
  adminRoutes,
  ringRoutes,
  sessionRoutes,
];
