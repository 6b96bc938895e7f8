import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#world";
import type { FastifyInstance } from "fastify";
import { deleteRoutes } from "./delete-routes.ts";
import { lifecycleRoutes } from "./lifecycle-routes.ts";
import { pageRoutes } from "./page-routes.ts";
import { patternsRoutes } from "./patterns-routes.ts";
import { accessOf } from "./route-rights.ts";
import { allRoutes } from "./routes.ts";
import { rulesRoutes } from "./rules-routes.ts";
import { startTestServer } from "./server-for-tests.ts";
import type { RouteFamily } from "./server.ts";

/** Of what is registered nothing is called. */
const unused = {} as never;

const families: readonly RouteFamily[] = [
  ...allRoutes,
  deleteRoutes(unused),
  lifecycleRoutes(unused),
  pageRoutes(unused),
  patternsRoutes(unused),
  rulesRoutes(unused),
];

/** Every route as `METHOD path`, the way the server registers them. */
function registered(): readonly (readonly [method: string, path: string])[] {
  const found: (readonly [string, string])[] = [];
  const app = {
    initialConfig: {},
    server: { on: () => {} },
    addHook: () => {},
    route: ({ method, url }: { method: string | string[]; url: string }) => {
      for (const one of [method].flat()) found.push([one, url]);
    },
  } as unknown as FastifyInstance;
  const metrics = { observe: () => {}, counter: () => ({ inc: () => {} }) };
  const clock = new ManualClock({ nowNs: 0n });
  for (const family of families) family(app, { metrics, clock } as never);
  return found;
}

const rightsOf = (method: string, path: string): string => {
  const right = accessOf(path, method)?.right;
  return typeof right === "string" ? right : (right?.join(" or ") ?? "none");
};

test("every route that is registered has a right", () => {
  const routes = registered();
  assert.ok(routes.length > 200, `found ${routes.length}`);
  for (const [method, path] of routes) {
    assert.notEqual(rightsOf(method, path), "none", `${method} ${path}`);
  }
});

test("what needs no credential is exactly this", () => {
  const open = registered().filter(([method, path]) =>
    ["open", "probe", "known"].includes(rightsOf(method, path)),
  );
  assert.deepEqual([...new Set(open.map(([, path]) => path))].sort(), [
    "/",
    "/assets/:name",
    "/loki/api/v1/format_query",
    "/loki/api/v1/status/buildinfo",
    "/metrics",
    "/ready",
    "/skald/api/v1/login",
    "/skald/api/v1/logout",
    "/skald/api/v1/session",
  ]);
});

const cases: readonly (readonly [route: string, right: string, acts: boolean])[] = [
  ["POST /loki/api/v1/push", "write", false],
  ["POST /loki/api/v1/query_range", "read", false],
  ["GET /loki/api/v1/delete", "delete", false],
  ["DELETE /loki/api/v1/delete", "delete", true],
  ["PUT /loki/api/admin/cancel_delete_request", "delete", true],
  ["GET /loki/api/v1/rules/:namespace", "read or rules", false],
  ["POST /loki/api/v1/rules/:namespace", "rules", true],
  ["DELETE /api/prom/rules/:namespace/:group", "rules", true],
  ["GET /flush", "admin", true],
  ["GET /ingester/shutdown", "admin", true],
  ["GET /config", "admin", false],
  ["POST /log_level", "admin", true],
  ["GET /debug/pprof/heap", "admin", false],
];

for (const [route, right, acts] of cases) {
  test(`${route} needs ${right}${acts ? " and acts" : ""}`, () => {
    const [method = "", path = ""] = route.split(" ");
    assert.equal(rightsOf(method, path), right);
    assert.equal(accessOf(path, method)?.acts, acts);
  });
}

test("a route without a right cannot be registered", async () => {
  const secret: RouteFamily = (app) => {
    app.route({ method: "GET", url: "/secret", handler: async () => "x" });
  };
  await assert.rejects(startTestServer({ routes: [secret] }), /GET \/secret is in no family/);
});
