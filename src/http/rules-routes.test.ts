import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { Labels } from "#model";
import type { ActiveAlert, GroupReport, PlacedGroup, RuleReport } from "#ruler";
import { fastify, type InjectOptions } from "fastify";
import type { HttpPorts } from "./ports.ts";
import { type RulesPort, rulesRoutes } from "./rules-routes.ts";

const activeAtMs = Date.UTC(2026, 0, 10, 1, 2, 3, 400);

const firing: ActiveAlert = {
  labels: Labels.from({ alertname: "Bad", app: "a" }),
  annotations: Labels.from({ summary: "s" }),
  state: "firing",
  value: 12.5,
  activeAtMs,
  firedAtMs: activeAtMs,
  resolvedAtMs: undefined,
  keepFiringSinceMs: undefined,
  lastSentAtMs: undefined,
};

const emptyRule = { record: "", alert: "", forMs: 0, keepFiringForMs: 0, annotations: {} };
const about = { lastError: "", lastEvaluationMs: activeAtMs, evaluationMs: 2.5 };
const alerting: RuleReport = {
  rule: { ...emptyRule, alert: "Bad", expr: "e", forMs: 90_000, labels: { severity: "page" } },
  health: "ok",
  ...about,
  alerts: [firing],
};
const recording: RuleReport = {
  rule: { ...emptyRule, record: "r", expr: "q", labels: {} },
  health: "unknown",
  ...about,
  lastEvaluationMs: 0,
  alerts: [],
};

function report(namespace: string, name: string, rules: readonly RuleReport[]): GroupReport {
  const group = { name, intervalMs: 0, queryOffsetMs: 0, limit: 0, rules: [] };
  const times = { intervalMs: 60_000, lastEvaluationMs: activeAtMs, evaluationMs: 5 };
  return { namespace, group, ...times, rules };
}

class FakeRules implements RulesPort {
  readonly stored: PlacedGroup[] = [];
  readonly removed: string[] = [];

  async groups(tenant: string): Promise<readonly PlacedGroup[]> {
    return tenant === "t" ? this.stored : [];
  }

  async put(_tenant: string, placed: PlacedGroup): Promise<void> {
    this.stored.push(placed);
  }

  async removeGroup(_tenant: string, namespace: string, name: string): Promise<void> {
    this.removed.push(`${namespace}|${name}`);
  }

  async removeNamespace(_tenant: string, namespace: string): Promise<void> {
    throw new RequestError(404, `no ${namespace}`);
  }

  reports(): GroupReport[] {
    return [report("f1", "g1", [alerting, recording]), report("f2", "g2", [recording])];
  }
}

async function ask(options: InjectOptions, rules: FakeRules = new FakeRules()) {
  const ports = { authEnabled: true, multiTenantQueriesEnabled: false };
  const app = fastify({ exposeHeadRoutes: false });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => {
    const status = error instanceof RequestError ? error.status : 500;
    return reply.code(status).send((error as Error).message);
  });
  rulesRoutes(rules)(app, ports as unknown as HttpPorts);
  const headers = { "x-scope-orgid": "t", ...options.headers };
  const answer = await app.inject({ ...options, headers });
  await app.close();
  return answer;
}

test("names in the path may hold anything, and what is written is listed", async () => {
  const rules = new FakeRules();
  const body = "name: g/1\nrules: []\n";
  const url = "/loki/api/v1/rules/a%2Fb%20c";
  const headers = { "content-type": "application/yaml" };
  const written = await ask({ method: "POST", url, payload: body, headers }, rules);
  assert.equal(written.statusCode, 202);
  assert.match(String(written.headers["content-type"]), /^application\/json/);
  assert.equal(rules.stored[0]?.namespace, "a/b c");
  const listed = await ask({ url: "/api/prom/rules" }, rules);
  assert.equal(listed.body, "a/b c:\n    - name: g/1\n      rules: []\n");
  const one = await ask({ url: `${url}/g%2F1` }, rules);
  assert.deepEqual([one.statusCode, one.body], [200, body]);
  const removed = await ask({ method: "DELETE", url: `${url}/g%2F1` }, rules);
  assert.deepEqual([removed.statusCode, rules.removed], [202, ["a/b c|g/1"]]);
});

const wrong: readonly (readonly [
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  status: number,
])[] = [
  ["GET", "/loki/api/v1/rules", 404],
  ["POST", "/loki/api/v1/rules", 405],
  ["PUT", "/loki/api/v1/rules/ns", 405],
  ["POST", "/loki/api/v1/rules/ns/g", 405],
  ["DELETE", "/loki/api/v1/rules/ns", 404],
  ["POST", "/prometheus/api/v1/rules", 405],
  ["GET", "/prometheus/api/v1/rules?type=x", 400],
  ["GET", "/prometheus/api/v1/rules?match[]=%7B", 400],
];

for (const [method, url, status] of wrong) {
  test(`${method} ${url} is ${status}`, async () => {
    assert.equal((await ask({ method, url })).statusCode, status);
  });
}

test("without a tenant there are no rules", async () => {
  const answer = await ask({ url: "/prometheus/api/v1/rules", headers: { "x-scope-orgid": "" } });
  assert.equal(answer.statusCode, 401);
});

test("rules and alerts in Prometheus' JSON", async () => {
  const answer = await ask({ url: "/prometheus/api/v1/rules?file[]=f1" });
  const time = "2026-01-10T01:02:03.4Z";
  const alert = {
    labels: { alertname: "Bad", app: "a" },
    annotations: { summary: "s" },
    state: "firing",
    activeAt: time,
    value: "1.25e+01",
  };
  const shown = {
    state: "firing",
    name: "Bad",
    query: "e",
    duration: 90,
    labels: { severity: "page" },
    annotations: {},
    alerts: [alert],
    health: "ok",
    lastError: "",
    type: "alerting",
    lastEvaluation: time,
    evaluationTime: 0.0025,
  };
  const { data } = answer.json<{ data: { groups: { rules: unknown[] }[] } }>();
  assert.deepEqual(data.groups[0]?.rules[0], shown);
  const never = "0001-01-01T00:00:00Z";
  const second = data.groups[0]?.rules[1] as { lastEvaluation: string } | undefined;
  assert.equal(second?.lastEvaluation, never);
  const alerts = await ask({ url: "/prometheus/api/v1/alerts" });
  assert.deepEqual(alerts.json<{ data: unknown }>().data, { alerts: [alert] });
});

const filters: readonly (readonly [query: string, want: readonly string[]])[] = [
  ["", ["g1/Bad", "g1/r", "g2/r"]],
  ["type=alert", ["g1/Bad"]],
  ["type=record", ["g1/r", "g2/r"]],
  ["rule_name[]=r", ["g1/r", "g2/r"]],
  ["rule_group[]=g2&rule_group[]=g3", ["g2/r"]],
  ["file[]=f1&type=record", ["g1/r"]],
  [`match[]=${encodeURIComponent('{severity=~"p.*"}')}`, ["g1/Bad"]],
  ["rule_name[]=nosuch", []],
];

for (const [query, want] of filters) {
  test(`rules?${query} are ${want.join(" ")}`, async () => {
    const answer = await ask({ url: `/prometheus/api/v1/rules?${query}` });
    const { data } = answer.json<{
      data: { groups: { name: string; rules: { name: string }[] }[] };
    }>();
    const names = data.groups.flatMap(({ name, rules }) =>
      rules.map((rule) => `${name}/${rule.name}`),
    );
    assert.deepEqual(names, want);
  });
}
