// What deploy/monitoring ships for Prometheus and Grafana: valid, tested, and about metrics that a
// running process under load has.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { need } from "../../scripts/debian-servers.ts";
import { parse } from "yaml";
import { type MonitoringServer, startPrometheus } from "../support/monitoring-servers.ts";
import { freePort, type SkaldProcess, startSkald } from "../support/skald-process.ts";

const { isThere, reason } = need(["prometheus"]);
const skip = isThere ? false : reason;
const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "deploy", "monitoring");
const alertFiles = ["alerts.yaml", "background.yaml"];
const waitMax = 25_000;

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function readText(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

const dashboard = JSON.parse(readText("dashboard.json")) as Dashboard;
const alerts = alertFiles.flatMap((name) => {
  const { groups } = parse(readText(name)) as { groups: { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
});

/** As Grafana would send it. */
function asSent(expr: string): string {
  return expr
    .replaceAll("$__rate_interval", "5s")
    .replaceAll("$job", "skald")
    .replaceAll("$instance", ".*");
}

const exprs = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: asSent(expr) })),
);

function namesIn(expr: string): string[] {
  const bare = expr.replaceAll(/"[^"]*"/g, "");
  return bare.match(/\b(?:loki|skald|process|nodejs)_[a-z0-9_]+/g) ?? [];
}

function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, `promtool ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

describe("alerts", () => {
  test("are valid", { skip }, () => {
    promtool("check", "rules", ...alertFiles);
  });

  test("fire when they should and are silent when all is well", { skip }, () => {
    promtool("test", "rules", "alerts.test.yaml");
  });

  test("say what is wrong, what to do and how bad it is; each has a test", () => {
    const tests = readText("alerts.test.yaml");
    assert.ok(alerts.length > 30, `${alerts.length} alerts`);
    for (const { alert, labels, annotations } of alerts) {
      assert.match(labels["severity"] ?? "", /^(warning|critical)$/, alert);
      assert.ok(annotations["summary"], `${alert} has no summary`);
      assert.ok(tests.includes(`name: ${alert}\n`), `${alert} has no test`);
    }
  });
});

describe("the dashboard", () => {
  test("has panels that do not overlap, with ids of their own", () => {
    const { panels } = dashboard;
    assert.ok(dashboard.schemaVersion >= 39 && dashboard.uid === "skald" && panels.length > 30);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos;
      assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= 24, `${title} leaves the grid`);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          const cell = `${column},${line}`;
          assert.ok(!taken.has(cell), `${title} covers another panel`);
          taken.add(cell);
        }
      }
    }
  });

  test("asks the chosen Prometheus for the chosen processes", () => {
    const variables = dashboard.templating.list.map(({ name }) => name);
    assert.deepEqual(variables, ["datasource", "job", "instance"]);
    for (const { type, title, datasource, targets } of dashboard.panels) {
      if (type === "row") continue;
      assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" }, title);
      assert.ok(targets !== undefined && targets.length > 0, title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      for (const { expr } of targets) assert.match(expr, /job=~"\$job", instance=~"\$instance"/);
    }
  });
});

/** Takes everything. */
async function startAnswering(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** One of its Alertmanagers and its remote write endpoint are not there: what is sent fails. */
async function startUnderTest(answering: string): Promise<SkaldProcess> {
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  return startSkald({
    config: `
auth_enabled: false
server: {http_listen_port: \${PORT}, http_listen_address: 127.0.0.1, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}"}
limits_config: {max_line_size: 1KB, retention_period: 30d}
compactor: {retention_enabled: true}
ruler:
  alertmanager_url: ${nowhere},${answering}
  evaluation_interval: 1s
  remote_write: {enabled: true, clients: {a: {url: ${nowhere}/write}}}
`,
  });
}

async function put(url: string, body: string): Promise<number> {
  const isJson = body.startsWith("{");
  const headers = { "Content-Type": isJson ? "application/json" : "application/yaml" };
  return (await fetch(url, { method: "POST", headers, body })).status;
}

const rules = `name: g
interval: 1s
rules:
  - {record: 'a:b', expr: 'sum(count_over_time({app="a"}[1m]))'}
  - {alert: A, expr: 'sum(count_over_time({app="a"}[1m])) > 0'}
`;

/** Pushes (some lines are refused), queries, flushes, for rates to be more than nothing. */
async function load(url: string): Promise<void> {
  const timeNs = `${Date.now()}000000`;
  const values = [
    [timeNs, "line"],
    [timeNs, "x".repeat(2000)],
  ];
  await put(
    `${url}/loki/api/v1/push`,
    JSON.stringify({ streams: [{ stream: { app: "a" }, values }] }),
  );
  // Of hours that ended more than ten minutes ago answers are remembered: there is one at any time.
  const from = Date.now() - 3 * 3_600_000;
  const query = encodeURIComponent(`sum(count_over_time({app="a"}[1m]))`);
  await fetch(`${url}/loki/api/v1/query_range?query=${query}&start=${from}000000&step=60`);
  await fetch(`${url}/loki/api/v1/query?query=${query}`);
  await fetch(`${url}/flush`, { method: "POST" });
}

async function ask(prometheus: MonitoringServer, expr: string): Promise<number> {
  const url = `${prometheus.url}/api/v1/query?query=${encodeURIComponent(expr)}`;
  const answer = (await (await fetch(url)).json()) as {
    status: string;
    error?: string;
    data: { result: unknown[] };
  };
  assert.equal(answer.status, "success", `${expr}: ${answer.error}`);
  return answer.data.result.length;
}

/** What is grouped by are labels that the metric has. */
function assertLabels(expr: string, metrics: string): void {
  for (const [, by, name] of expr.matchAll(/by \(([^)]+)\) \(\s*(?:\w+\()?([a-z]+_\w+)/g)) {
    const series: string | undefined = new RegExp(`^${name}\\{(.*)\\} `, "m").exec(metrics)?.[1];
    if (series === undefined) continue;
    for (const label of by!.split(", ")) {
      const isThere: boolean =
        label === "job" || label === "instance" || series.includes(`${label}="`);
      assert.ok(isThere, `${name} has no label ${label}: ${expr}`);
    }
  }
}

/** What a process that is well has nothing of. */
const quiet = ["notifications_dropped_total", "outcome!~"];

function isQuiet(expr: string): boolean {
  return quiet.some((part) => expr.includes(part));
}

test("every expression is about metrics of a running process, and panels show something", {
  skip,
}, async () => {
  await using alertmanager = await startAnswering();
  await using skald = await startUnderTest(alertmanager.url);
  const { url } = skald;
  assert.equal(await put(`${url}/loki/api/v1/rules/n`, rules), 202);
  await using prometheus = await startPrometheus({
    target: new URL(url).host,
    ruleFiles: alertFiles.map((name) => join(folder, name)),
  });
  const deadline = performance.now() + waitMax;
  // Each must show something once: on a busy machine a rate may have no two samples just now.
  let empty = exprs.filter(({ expr }) => !isQuiet(expr));
  do {
    await load(url);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const counts = await Promise.all(empty.map(({ expr }) => ask(prometheus, expr)));
    empty = empty.filter((_, at) => counts[at] === 0);
  } while (empty.length > 0 && performance.now() < deadline);
  assert.deepEqual(empty, [], "panels without data");
  for (const { expr } of exprs) await ask(prometheus, expr);

  const text = await (await fetch(`${url}/metrics`)).text();
  const declared = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]),
  );
  const isDeclared = (name: string): boolean => {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    return declared.has(name) || declared.get(base) === "histogram";
  };
  const used = [...alerts, ...exprs].flatMap(({ expr }) => namesIn(expr));
  assert.ok(new Set(used).size > 40);
  const unknown = new Set(used.filter((name) => !isDeclared(name)));
  assert.deepEqual([...unknown], [], "metrics that no process has");
  for (const { expr } of [...alerts, ...exprs]) assertLabels(expr, text);
  for (const { alert, expr } of alerts) {
    await ask(prometheus, expr).catch((error: unknown) =>
      assert.fail(`${alert}: ${String(error)}`),
    );
  }
});
