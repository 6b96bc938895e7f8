import type { Right } from "#access";

/**
 * What a route asks of its caller when a token file is in force:
 * - `open`: nothing; it shows nothing of anybody's and does nothing
 * - `probe`: nothing, unless skald.open_paths leaves it out; then `admin`
 * - `known`: any credential
 * - else one of these rights
 */
export type RouteRight = "open" | "probe" | "known" | readonly Right[];

interface Family {
  readonly right: RouteRight;
  /** As routes are registered; a `*` at the end stands for whatever follows. */
  readonly paths: readonly string[];
  /** These methods only; not given: all. */
  readonly methods?: readonly string[];
  /** Does something even when asked by GET. */
  readonly actsOnGet?: true;
}

const reading = ["GET", "HEAD", "OPTIONS"];

/** Every route of the server; one that is not here cannot be registered. The first that fits counts. */
const families: readonly Family[] = [
  {
    right: "open",
    paths: ["/", "/assets/:name", "/skald/api/v1/login", "/skald/api/v1/logout"],
  },
  { right: "open", paths: ["/skald/api/v1/session"] },
  { right: "probe", paths: ["/ready", "/metrics"] },
  { right: "known", paths: ["/loki/api/v1/status/buildinfo", "/loki/api/v1/format_query"] },
  { right: ["write"], paths: ["/loki/api/v1/push", "/api/prom/push", "/otlp/v1/logs"] },
  {
    right: ["read"],
    paths: [
      "/loki/api/v1/query_range",
      "/loki/api/v1/query",
      "/api/prom/query",
      "/loki/api/v1/tail",
      "/api/prom/tail",
      "/loki/api/v1/labels",
      "/loki/api/v1/label",
      "/loki/api/v1/label/:name/values",
      "/api/prom/label",
      "/api/prom/label/:name/values",
      "/loki/api/v1/series",
      "/api/prom/series",
      "/loki/api/v1/index/*",
      "/loki/api/v1/detected_labels",
      "/loki/api/v1/detected_fields",
      "/loki/api/v1/detected_field/*",
      "/loki/api/v1/detected_fields/*",
      "/loki/api/v1/patterns",
      "/loki/api/v1/drilldown-limits",
      "/loki/api/v1/cache/generation_numbers",
      "/skald/api/v1/context",
      "/skald/api/v1/explain",
      "/skald/api/v1/export",
    ],
  },
  {
    right: ["delete"],
    paths: [
      "/loki/api/v1/delete",
      "/loki/api/admin/delete",
      "/loki/api/admin/cancel_delete_request",
      "/skald/api/v1/deletes",
    ],
  },
  {
    right: ["read", "rules"],
    methods: reading,
    paths: ["/prometheus/api/v1/*", "/loki/api/v1/rules*", "/api/prom/rules*"],
  },
  {
    right: ["rules"],
    paths: ["/prometheus/api/v1/*", "/loki/api/v1/rules*", "/api/prom/rules*"],
  },
  { right: ["admin"], paths: ["/flush", "/flush/tenant", "/ingester/*"], actsOnGet: true },
  {
    right: ["admin"],
    paths: [
      "/log_level",
      "/config",
      "/runtime_config",
      "/services",
      "/ring",
      "/distributor/ring",
      "/indexgateway/ring",
      "/scheduler/ring",
      "/compactor/ring",
      "/ruler/ring",
      "/pattern/ring",
      "/debug/*",
      "/skald/api/v1/background",
      "/skald/api/v1/slow-queries",
      "/skald/api/v1/retention/plan",
    ],
  },
];

export interface RouteAccess {
  readonly right: RouteRight;
  /** Changes something: another site's page may not cause it. */
  readonly acts: boolean;
}

/** Undefined: the route is in no family. `path` is without the server's prefix. */
export function accessOf(path: string, method: string): RouteAccess | undefined {
  const family = families.find(
    ({ paths, methods }) =>
      (methods === undefined || methods.includes(method)) &&
      paths.some((pattern) => isFit(pattern, path)),
  );
  if (family === undefined) return undefined;
  const { right, actsOnGet } = family;
  const changes = typeof right !== "string" && !right.includes("read") && right[0] !== "write";
  const acts = changes && (actsOnGet === true || !reading.includes(method));
  return { right, acts };
}

function isFit(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
