import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Histogram } from "prom-client";
import type { HttpPorts } from "./ports.ts";

/** Seconds; Loki's buckets for the same metric. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100];
/** Bytes: 1 MiB to 250 MiB, as Loki has them. */
const sizeBuckets = [1, 2.5, 5, 10, 25, 50, 100, 250].map((size) => size * 1024 * 1024);
/** Longer texts from a client are cut before they are logged. */
const loggedLengthMax = 1024;

/** Counts and times every request, and logs it at debug level; failures of ours at warn. */
export function observeRequests(app: FastifyInstance, ports: HttpPorts): void {
  const meters = requestMeters(ports);
  app.addHook("onRequest", (request, reply, done) => {
    const startedMs = ports.clock.monotonicMs();
    const labels = { method: request.method, route: routeOf(request) };
    meters.inflight.inc(labels);
    // Also comes when the client leaves early, and when a websocket ends.
    reply.raw.once("close", () => {
      meters.inflight.dec(labels);
      const durationMs = ports.clock.monotonicMs() - startedMs;
      const status = statusOf(request, reply);
      meters.duration.observe(
        { ...labels, status_code: String(status), ws: String(request.ws) },
        durationMs / 1000,
      );
      observeLength(meters.requestBytes, labels, request.headers["content-length"]);
      observeLength(meters.responseBytes, labels, reply.getHeader("content-length"));
      logRequest(ports, { request, status, durationMs });
    });
    done();
  });
}

function requestMeters({ metrics, build }: HttpPorts) {
  metrics
    .gauge("loki_build_info", "What runs here; always 1.", ["version", "revision", "branch"])
    .set({ version: build.version, revision: build.revision, branch: build.branch }, 1);
  const labelNames = ["method", "route"] as const;
  return {
    duration: metrics.histogram(
      "loki_request_duration_seconds",
      "Time (in seconds) spent serving HTTP requests.",
      { labelNames: [...labelNames, "status_code", "ws"] as const, buckets: durationBuckets },
    ),
    requestBytes: metrics.histogram(
      "loki_request_message_bytes",
      "Size (in bytes) of messages received in the request.",
      { labelNames, buckets: sizeBuckets },
    ),
    responseBytes: metrics.histogram(
      "loki_response_message_bytes",
      "Size (in bytes) of messages sent in response.",
      { labelNames, buckets: sizeBuckets },
    ),
    inflight: metrics.gauge("loki_inflight_requests", "Current number of inflight requests.", [
      ...labelNames,
    ]),
  };
}

/** `loki_api_v1_label_name_values`: the path of the route, not of the request. */
function routeOf(request: FastifyRequest): string {
  const path = request.routeOptions.url;
  if (path === undefined) return "other";
  return path.replace(/[^a-zA-Z0-9]+/g, "_").replace(/^_|_$/g, "") || "root";
}

/** 499 when the client left before its answer was complete. */
function statusOf(request: FastifyRequest, { raw }: FastifyReply): number {
  if (request.ws && !raw.headersSent) return 101;
  return raw.writableFinished ? raw.statusCode : 499;
}

/** Answers that come in pieces do not say how long they are. */
function observeLength(
  histogram: Histogram<"method" | "route">,
  labels: { readonly method: string; readonly route: string },
  header: number | string | string[] | undefined,
): void {
  const length = Number(header);
  if (Number.isFinite(length)) histogram.observe(labels, length);
}

function logRequest(
  { log }: HttpPorts,
  seen: { request: FastifyRequest; status: number; durationMs: number },
): void {
  const { request, status, durationMs } = seen;
  const level = status >= 500 ? "warn" : "debug";
  if (level === "debug" && log.level !== "debug") return;
  log[level]("request", {
    method: request.method,
    path: cut(request.raw.url),
    status,
    durationMs: Math.round(durationMs * 1000) / 1000,
    tenant: cut(request.headers["x-scope-orgid"]),
    queryTags: cut(request.headers["x-query-tags"]),
    client: request.ip,
  });
}

function cut(text: string | string[] | undefined): string | undefined {
  return (Array.isArray(text) ? text.join(",") : text)?.slice(0, loggedLengthMax);
}
