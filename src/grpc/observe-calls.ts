import { Code, type ConnectError, type Interceptor } from "@connectrpc/connect";
import type { GrpcPorts } from "./ports.ts";
import { asStatusError } from "./status.ts";

/** Seconds; the buckets of the same metric for HTTP. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100];

/** Turns failures into gRPC errors; counts, times and logs every call. */
export function observeCalls(ports: GrpcPorts): Interceptor {
  const { clock, log, metrics } = ports;
  const duration = metrics.histogram(
    "loki_request_duration_seconds",
    "Time (in seconds) spent serving HTTP requests.",
    { labelNames: ["method", "route", "status_code", "ws"] as const, buckets: durationBuckets },
  );
  return (next) => async (call) => {
    const startMs = clock.monotonicMs();
    const route = `/${call.service.typeName}/${call.method.name}`;
    const done = (status: string, reason?: string): void => {
      const durationMs = clock.monotonicMs() - startMs;
      const labels = { method: "gRPC", route, status_code: status, ws: "false" };
      duration.observe(labels, durationMs / 1000);
      if (log.level !== "debug") return;
      log.debug("call", {
        route,
        status,
        durationMs: Math.round(durationMs * 1000) / 1000,
        ...(reason === undefined ? {} : { reason }),
      });
    };
    try {
      const answer = await next(call);
      done("success");
      return answer;
    } catch (error) {
      const known: ConnectError = asStatusError(error, ports);
      done(Code[known.code], known.rawMessage);
      throw known;
    }
  };
}
