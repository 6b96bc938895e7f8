import type { RetentionItem } from "#lifecycle";
import { hour, RequestError } from "#base";
import type { BackgroundStatus } from "#telemetry";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Parameters, parametersOf } from "./parameters.ts";
import { sendPieces } from "./respond.ts";
import { route } from "./routing.ts";
import type { RouteFamily } from "./server.ts";
import { parsePrometheusDuration } from "./times.ts";

export interface LifecyclePort {
  background(): readonly BackgroundStatus[];
  /** What retention would take until then, over all tenants; nothing is touched. */
  retentionPlan(untilMs: number): Promise<readonly RetentionItem[]>;
}

/** How far ahead a plan looks when nobody says. */
const planAheadMs: number = 24 * hour;
const nsPerMs = 1_000_000n;

/** For operators: what works in the background, and what retention would do. Over all tenants. */
export function lifecycleRoutes(lifecycle: LifecyclePort): RouteFamily {
  return (app, ports) => {
    route(
      app,
      ["GET", "HEAD"],
      "/skald/api/v1/background",
      async (_request: FastifyRequest, reply: FastifyReply) =>
        sendPieces(jsonReply(reply), textOf({ tasks: lifecycle.background().map(taskOf) })),
      { kind: "admin" },
    );
    route(
      app,
      ["GET", "HEAD"],
      "/skald/api/v1/retention/plan",
      async (request: FastifyRequest, reply: FastifyReply) => {
        const parameters = parametersOf(request);
        const nowMs = ports.clock.nowMs();
        const untilMs = nowMs + aheadMs(parameters);
        const tenant = parameters.get("tenant");
        const items = (await lifecycle.retentionPlan(untilMs)).filter(
          (item) => tenant === "" || item.tenant === tenant,
        );
        const bytes = items
          .filter(({ action }) => action === "drop")
          .reduce((sum, { storedBytes }) => sum + storedBytes, 0);
        return sendPieces(
          jsonReply(reply),
          textOf({
            now: timeText(nowMs),
            until: timeText(untilMs),
            dropped_bytes: bytes,
            items: items.map(itemOf),
          }),
        );
      },
    );
  };
}

function aheadMs(parameters: Parameters): number {
  const text = parameters.get("ahead");
  if (text === "") return planAheadMs;
  try {
    return Number(parsePrometheusDuration(text) / nsPerMs);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(400, `could not parse 'ahead' parameter: ${error.message}`);
  }
}

function itemOf(item: RetentionItem): Readonly<Record<string, unknown>> {
  const { tenant, store, object, storedBytes, action, reason, dueMs } = item;
  return {
    tenant,
    store,
    object,
    from: timeText(Number(item.minNs / nsPerMs)),
    to: timeText(Number(item.maxNs / nsPerMs)),
    stored_bytes: storedBytes,
    action,
    reason,
    due: timeText(dueMs),
  };
}

function taskOf(status: BackgroundStatus): Readonly<Record<string, unknown>> {
  const { name, about, state, queued, detail, lastFailure } = status;
  const times = {
    started: status.startedMs,
    last_success: status.lastSuccessMs,
    last_failure: status.lastFailureMs,
    next_run: status.nextRunMs,
  };
  const known = Object.entries(times).flatMap(([key, ms]) =>
    ms === undefined ? [] : [[key, timeText(ms)] as const],
  );
  return {
    name,
    about,
    state,
    queued,
    detail,
    ...Object.fromEntries(known),
    ...(lastFailure === undefined ? {} : { last_failure_reason: lastFailure }),
  };
}

function jsonReply(reply: FastifyReply): FastifyReply {
  return reply.header("Content-Type", "application/json");
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
