// How to send the first logs, for the programs people have; `url` is the address of this server.

export interface Snippet {
  readonly title: string;
  /** What to do with the text. */
  readonly where: string;
  readonly text: string;
}

export interface SnippetFacts {
  /** With its prefix, without a slash at the end: `http://127.0.0.1:3100`. */
  readonly url: string;
  /** X-Scope-OrgID; empty when there is no tenant to name. */
  readonly tenant: string;
  /** The server takes nothing without a token; `tokenName` stands where it goes. */
  readonly needsToken: boolean;
}

/** People put their own in its place: no token of the page is ever shown. */
export const tokenName = "YOUR_TOKEN";

export function snippetsFor(facts: SnippetFacts): readonly Snippet[] {
  const { url, tenant, needsToken } = facts;
  const push = `${url}/loki/api/v1/push`;
  const isNamed = tenant !== "";
  const ifToken = (text: string): string => (needsToken ? text : "");
  const headers = headersOf(facts);
  return [
    curl(push, facts),
    {
      title: "Alloy",
      where: "config.alloy",
      text: `local.file_match "logs" {
  path_targets = [{"__path__" = "/var/log/*.log", "job" = "varlogs"}]
}
loki.source.file "logs" {
  targets    = local.file_match.logs.targets
  forward_to = [loki.write.skald.receiver]
}
loki.write "skald" {
  endpoint {
    url = "${push}"${isNamed ? `\n    tenant_id = "${tenant}"` : ""}${ifToken(`\n    bearer_token = "${tokenName}"`)}
  }
}`,
    },
    {
      title: "Promtail",
      where: "promtail.yaml",
      text: `clients:
  - url: ${push}${isNamed ? `\n    tenant_id: ${tenant}` : ""}${ifToken(`\n    bearer_token: ${tokenName}`)}
positions:
  filename: /tmp/positions.yaml
scrape_configs:
  - job_name: varlogs
    static_configs:
      - targets: [localhost]
        labels: {job: varlogs, __path__: /var/log/*.log}`,
    },
    {
      title: "Vector",
      where: "vector.yaml",
      text: `sources:
  files:
    type: file
    include: [/var/log/*.log]
sinks:
  skald:
    type: loki
    inputs: [files]
    endpoint: ${url}${isNamed ? `\n    tenant_id: ${tenant}` : ""}${ifToken(`\n    auth: {strategy: bearer, token: ${tokenName}}`)}
    encoding: {codec: json}
    labels: {job: varlogs, host: "{{ host }}"}`,
    },
    {
      title: "Fluent Bit",
      where: "fluent-bit.conf",
      text: fluentBit(facts),
    },
    {
      title: "OpenTelemetry",
      where: "collector.yaml",
      text: `receivers:
  otlp: {protocols: {grpc: {}, http: {}}}
exporters:
  otlphttp/skald:
    endpoint: ${url}/otlp${headers.length > 0 ? `\n    headers: {${headers.map(([name, value]) => `${name}: ${value}`).join(", ")}}` : ""}
service:
  pipelines:
    logs: {receivers: [otlp], exporters: [otlphttp/skald]}`,
    },
    {
      title: "Docker",
      where: "in a shell, with Grafana's Docker driver",
      text: `docker plugin install grafana/loki-docker-driver:latest --alias loki --grant-all-permissions
docker run --log-driver=loki \\
  --log-opt loki-url="${needsToken ? withLogin(push) : push}" \\${isNamed ? `\n  --log-opt loki-tenant-id="${tenant}" \\` : ""}
  --rm hello-world`,
    },
    {
      title: "pino (Node.js)",
      where: "npm install pino pino-loki",
      text: `import pino from "pino";

const log = pino({
  transport: {
    target: "pino-loki",
    options: {
      host: "${url}",${headers.length > 0 ? `\n      headers: ${JSON.stringify(Object.fromEntries(headers))},` : ""}
      labels: { app: "my-app" },
    },
  },
});
log.info("hello from pino");`,
    },
  ];
}

function headersOf({ tenant, needsToken }: SnippetFacts): readonly (readonly [string, string])[] {
  return [
    ...(tenant === "" ? [] : [["X-Scope-OrgID", tenant] as const]),
    ...(needsToken ? [["Authorization", `Bearer ${tokenName}`] as const] : []),
  ];
}

/** For clients that know basic authentication only: a token's own name, and it as the password. */
function withLogin(url: string): string {
  return url.replace("://", `://TOKEN_NAME:${tokenName}@`);
}

function curl(push: string, facts: SnippetFacts): Snippet {
  const header = headersOf(facts)
    .map(([name, value]) => ` -H '${name}: ${value}'`)
    .join("");
  return {
    title: "curl",
    where: "in a shell",
    text: `curl -H 'Content-Type: application/json'${header} ${push} \\
  -d '{"streams": [{"stream": {"app": "hello"}, "values": [["'$(date +%s)000000000'", "level=info msg=\\"hello, Skald\\""]]}]}'`,
  };
}

function fluentBit({ url, tenant, needsToken }: SnippetFacts): string {
  const { hostname, port, protocol, pathname } = new URL(url);
  const isTls = protocol === "https:";
  const prefix = pathname === "/" ? "" : pathname;
  return `[INPUT]
    name   tail
    path   /var/log/*.log
[OUTPUT]
    name   loki
    match  *
    host   ${hostname}
    port   ${port === "" ? (isTls ? 443 : 80) : port}
    uri    ${prefix}/loki/api/v1/push${isTls ? "\n    tls    on" : ""}${tenant === "" ? "" : `\n    tenant_id ${tenant}`}${needsToken ? `\n    bearer_token ${tokenName}` : ""}
    labels job=varlogs`;
}
