// Rules of a real process against Debian's Prometheus, Alertmanager and amtool.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { need } from "../../scripts/debian-servers.ts";
import {
  amtoolAlerts,
  type AmtoolAlert,
  startAlertmanager,
  startPrometheus,
} from "../support/monitoring-servers.ts";
import { freePort, startSkald, temporaryFolder } from "../support/skald-process.ts";

const { isThere, reason } = need(["prometheus", "prometheus-alertmanager"]);
const skip = isThere ? false : reason;
const waitMax = 25_000;

function configuration(options: { alertmanager: string; prometheus?: string }): string {
  const write =
    options.prometheus === undefined
      ? ""
      : `
  remote_write:
    enabled: true
    clients:
      ours:
        url: ${options.prometheus}/api/v1/write`;
  return `
auth_enabled: true
server: {http_listen_port: \${PORT}, http_listen_address: 127.0.0.1, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}"}
ruler:
  alertmanager_url: ${options.alertmanager}
  external_url: http://skald.example
  external_labels: {cluster: test}
  evaluation_interval: 1s
  resend_delay: 1s
  for_grace_period: 0s${write}
`;
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + waitMax;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function post(url: string, body: string, type: string): Promise<void> {
  const headers = { "Content-Type": type, "X-Scope-OrgID": "shop" };
  const answer = await fetch(url, { method: "POST", headers, body });
  assert.ok(answer.ok, `${url}: ${answer.status} ${await answer.text()}`);
}

function push(url: string, lines: readonly (readonly [app: string, line: string])[]) {
  const streams = lines.map(([app, line], at) => ({
    stream: { app },
    values: [[`${Date.now()}${String(at).padStart(6, "0")}`, line]],
  }));
  return post(`${url}/loki/api/v1/push`, JSON.stringify({ streams }), "application/json");
}

interface Notice {
  readonly status: string;
  readonly alerts: readonly { readonly status: string; readonly labels: Record<string, string> }[];
}

interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly notices: readonly Notice[];
}

/** Hears what an Alertmanager tells its receivers. */
async function startReceiver(): Promise<Receiver> {
  const notices: Notice[] = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString("utf8");
    });
    request.on("end", () => {
      notices.push(JSON.parse(body) as Notice);
      answer.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/`, notices, [Symbol.asyncDispose]: close };
}

function alertmanagerConfig(receiver: string): string {
  return `
route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: hook
    webhook_configs: [{url: "${receiver}", send_resolved: true}]
inhibit_rules:
  - source_matchers: [severity="page"]
    target_matchers: [severity="warn"]
    equal: [app]
`;
}

const group = `
name: errors
interval: 1s
rules:
  - record: app:errors:count
    expr: sum by (app) (count_over_time({app=~".+"} |= "error" [6s]))
    labels: {team: web}
  - alert: Errors
    expr: sum by (app) (count_over_time({app=~".+"} |= "error" [6s])) >= 2
    for: 1s
    labels: {severity: page}
    annotations:
      summary: '{{ $labels.app }} has {{ $value }} errors in {{ $externalLabels.cluster }}'
      lines: '{{ lines 1 }}'
  - alert: ErrorsToo
    expr: sum by (app) (count_over_time({app=~".+"} |= "error" [6s])) >= 1
    labels: {severity: warn}
`;

function find(alerts: readonly AmtoolAlert[], name: string, app: string): AmtoolAlert | undefined {
  return alerts.find(({ labels }) => labels["alertname"] === name && labels["app"] === app);
}

async function promQuery(url: string, query: string): Promise<Record<string, string>[]> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return data.result.map(({ metric, value }) => ({ ...metric, value: value[1] }));
}

test("a rule fires from pushed lines, is grouped, inhibited and resolved", { skip }, async () => {
  await using receiver = await startReceiver();
  await using alertmanager = await startAlertmanager(alertmanagerConfig(receiver.url));
  await using prometheus = await startPrometheus();
  const config = configuration({ alertmanager: alertmanager.url, prometheus: prometheus.url });
  await using skald = await startSkald({ config });
  await post(`${skald.url}/loki/api/v1/rules/ns`, group, "application/yaml");
  await push(skald.url, [
    ["a", "first error"],
    ["a", "second error"],
    ["b", "an error of b"],
    ["b", "another error of b"],
    ["c", "one error only"],
    ["c", "all is well"],
  ]);
  const firing = await until("both alerts", async () => {
    const alerts = amtoolAlerts(alertmanager);
    const all = ["a", "b"].flatMap((app) => find(alerts, "Errors", app) ?? []);
    return all.length === 2 && find(alerts, "ErrorsToo", "a") !== undefined ? alerts : undefined;
  });
  const page = find(firing, "Errors", "a");
  assert.deepEqual(page?.annotations, {
    summary: "a has 2 errors in test",
    lines: "first error",
  });
  assert.equal(page?.labels["cluster"], "test");
  assert.match(page?.generatorURL ?? "", /^http:\/\/skald\.example\/#\/explore\?q=sum\+by/);
  const samples = await until("recorded samples", async () => {
    const found = await promQuery(prometheus.url, 'app:errors:count{team="web"}');
    return found.length === 3 ? found : undefined;
  });
  assert.deepEqual(Object.fromEntries(samples.map(({ app, value }) => [app, value])), {
    a: "2",
    b: "2",
    c: "1",
  });
  await until("inhibition", async () => {
    const alerts = amtoolAlerts(alertmanager);
    const isInhibited = (app: string): boolean =>
      (find(alerts, "ErrorsToo", app)?.status.inhibitedBy.length ?? 0) > 0;
    return isInhibited("a") && isInhibited("b") && !isInhibited("c") ? true : undefined;
  });
  const notice = await until("one notice of both", async () =>
    receiver.notices.find(({ alerts }) => alerts.length === 2),
  );
  assert.deepEqual(
    notice.alerts.map(({ labels }) => labels["alertname"]),
    ["Errors", "Errors"],
  );
  await until("the end of the alerts", async () =>
    receiver.notices.find(
      ({ status, alerts }) => status === "resolved" && alerts[0]?.labels["alertname"] === "Errors",
    ),
  );
  await until("staleness markers", async () => {
    const left = await promQuery(prometheus.url, 'app:errors:count or ALERTS{cluster=""}');
    return left.length === 0 ? true : undefined;
  });
  const ever = await promQuery(prometheus.url, 'count_over_time(ALERTS{alertstate="firing"}[5m])');
  assert.ok(ever.length > 0, "ALERTS were written");
});

test("an Alertmanager that was away hears of what fired meanwhile, also after a restart", {
  skip,
}, async () => {
  const port = await freePort();
  const folder = temporaryFolder();
  const config = configuration({ alertmanager: `http://127.0.0.1:${port}` });
  const first = await startSkald({ config, folder });
  const rule = `
name: once
interval: 1s
rules:
  - alert: SawIt
    expr: sum by (app) (count_over_time({app="a"} |= "error" [10m])) > 0
    for: 2s
    annotations: {line: "{{ lines 3 }}"}
`;
  await post(`${first.url}/loki/api/v1/rules/ns`, rule, "application/yaml");
  await push(first.url, [["a", "an error while nobody listens"]]);
  const before = await until("the alert to fire", async () => firingSince(first.url));
  assert.equal(await first.stop(), 0);
  await using again = await startSkald({ config, folder });
  const after = await until("the alert after the restart", async () => firingSince(again.url));
  assert.equal(after, before, "it has been active since the same moment");
  await using receiver = await startReceiver();
  await using alertmanager = await startAlertmanager(alertmanagerConfig(receiver.url), { port });
  const alert = await until("the alert to arrive", async () =>
    find(amtoolAlerts(alertmanager), "SawIt", "a"),
  );
  assert.equal(alert.annotations["line"], "an error while nobody listens");
  assert.equal(Date.parse(alert.startsAt) < Date.now(), true);
});

/** Since when the one alert is active, once it fires. */
async function firingSince(url: string): Promise<string | undefined> {
  const headers = { "X-Scope-OrgID": "shop" };
  const answer = await fetch(`${url}/prometheus/api/v1/alerts`, { headers });
  const { data } = (await answer.json()) as {
    data: { alerts: { state: string; activeAt: string }[] };
  };
  const [alert] = data.alerts;
  return alert?.state === "firing" ? alert.activeAt : undefined;
}
