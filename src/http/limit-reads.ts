import { LruMap, RequestError } from "#base";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { HttpPorts } from "./ports.ts";
import { tenantsOf } from "./tenants.ts";

/** Tenants whose rate is remembered; who asked longest ago starts anew with a full second. */
const tenantsMax = 10_000;

/** What a tenant may still ask now, and what it asks at this moment. */
interface Account {
  tokens: number;
  atMs: number;
  running: number;
}

/**
 * Holds tenants to limits_config.max_reads_per_second and max_concurrent_reads, before anything is
 * done for the request. A request of several tenants counts for each.
 */
export function limitReads(app: FastifyInstance, ports: HttpPorts): void {
  const accounts = new LruMap<string, Account>({ name: "read_rates", weightMax: tenantsMax });
  const refused = ports.metrics.counter(
    "skald_reads_refused_total",
    "Requests that read and were answered 429 because of the tenant's limits.",
    ["tenant", "reason"],
  );
  const accountOf = (tenant: string): Account => {
    const nowMs = ports.clock.monotonicMs();
    const known = accounts.get(tenant);
    if (known !== undefined) return known;
    const fresh = { tokens: Number.POSITIVE_INFINITY, atMs: nowMs, running: 0 };
    accounts.set(tenant, fresh);
    return fresh;
  };
  app.addHook("preHandler", async (request, reply) => {
    if (request.routeOptions.config.kind !== "read" || request.ws) return;
    const tenants = limitedTenants(request, ports);
    const asked = tenants.map((tenant) => ({ tenant, account: accountOf(tenant) }));
    for (const { tenant, account } of asked) {
      const reason = reasonToRefuse(account, tenant, ports);
      if (reason === undefined) continue;
      refused.inc({ tenant, reason: reason.name });
      throw new RequestError(429, reason.text, { retryAfterSeconds: 1 });
    }
    for (const { account } of asked) {
      account.tokens--;
      account.running++;
    }
    if (asked.length === 0) return;
    // Also comes when the client leaves early.
    reply.raw.once("close", () => {
      for (const { account } of asked) account.running--;
    });
  });
}

/** Those with such limits. Who cannot be told apart is refused where the request is read. */
function limitedTenants(request: FastifyRequest, ports: HttpPorts): readonly string[] {
  try {
    return tenantsOf(request, ports).filter((tenant) => {
      const { maxReadsPerSecond, maxConcurrentReads } = ports.limits.for(tenant);
      return maxReadsPerSecond > 0 || maxConcurrentReads > 0;
    });
  } catch (error) {
    if (error instanceof RequestError) return [];
    throw error;
  }
}

function reasonToRefuse(
  account: Account,
  tenant: string,
  { limits, clock }: HttpPorts,
): { readonly name: "rate" | "concurrency"; readonly text: string } | undefined {
  const { maxReadsPerSecond: rate, maxConcurrentReads: running } = limits.for(tenant);
  const nowMs = clock.monotonicMs();
  // One second's worth at once, and never less than one request.
  const most = Math.max(1, rate);
  const earned = account.tokens + ((nowMs - account.atMs) / 1000) * rate;
  account.tokens = rate > 0 ? Math.min(most, earned) : Number.POSITIVE_INFINITY;
  account.atMs = nowMs;
  if (rate > 0 && account.tokens < 1) {
    return { name: "rate", text: `more than max_reads_per_second (${rate}) for tenant ${tenant}` };
  }
  if (running <= 0 || account.running < running) return undefined;
  const text = `more than max_concurrent_reads (${running}) for tenant ${tenant}`;
  return { name: "concurrency", text };
}
