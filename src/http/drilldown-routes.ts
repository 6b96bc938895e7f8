import { KiB } from "#base";
import type { Limits } from "#config";
import type { FastifyInstance } from "fastify";
import type { HttpPorts } from "./ports.ts";
import { route } from "./routing.ts";
import { sendJson } from "./server.ts";
import { tenantOf } from "./tenants.ts";

/**
 * What Grafana's Logs Drilldown asks once a day to know what this server can do: limits of the
 * tenant under Loki's names, whether patterns are kept, and the version.
 */
export function drilldownRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET", "POST"], "/loki/api/v1/drilldown-limits", async (request, reply) => {
    const limits = ports.limits.for(tenantOf(request, ports));
    const answer = {
      limits: drilldownLimits(limits),
      pattern_ingester_enabled: limits.patternIngesterEnabled,
      version: ports.build.version,
    };
    return sendJson(reply, JSON.stringify(answer));
  });
}

function drilldownLimits(limits: Limits): Readonly<Record<string, unknown>> {
  return {
    discover_log_levels: limits.discoverLogLevels,
    discover_service_name: limits.discoverServiceName,
    log_level_fields: limits.logLevelFields,
    max_entries_limit_per_query: limits.maxEntriesLimitPerQuery,
    max_line_size_truncate: limits.truncateLongLines,
    max_query_bytes_read: bytesText(limits.maxQueryBytesRead),
    max_query_length: durationText(limits.maxQueryLengthMs),
    max_query_lookback: durationText(limits.maxQueryLookbackMs),
    max_query_range: durationText(limits.maxQueryRangeMs),
    max_query_series: limits.maxQuerySeries,
    metric_aggregation_enabled: false,
    // Patterns are kept with the segments, for everybody.
    pattern_persistence_enabled: limits.patternIngesterEnabled,
    query_timeout: durationText(limits.queryTimeoutMs),
    retention_period: durationText(limits.retentionPeriodMs),
    volume_enabled: limits.volumeEnabled,
    volume_max_series: limits.volumeMaxSeries,
  };
}

const timeUnits: readonly (readonly [suffix: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/** `30d1h`, `1m`, `0s`: units from large to small, as Prometheus reads durations. */
function durationText(durationMs: number): string {
  let rest = durationMs;
  let text = "";
  for (const [suffix, ms] of timeUnits) {
    const count = Math.floor(rest / ms);
    rest -= count * ms;
    if (count > 0) text += `${count}${suffix}`;
  }
  return text === "" ? "0s" : text;
}

/** The largest unit of 1,024 that comes out even: `0B`, `10MB`, `1536KB`. */
function bytesText(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value !== 0 && value % KiB === 0 && unit < units.length - 1) {
    value /= KiB;
    unit++;
  }
  return `${value}${units[unit]}`;
}
