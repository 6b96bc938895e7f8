import { RequestError } from "#base";
import { singleTenant, validateTenantId } from "#model";
import type { FastifyRequest } from "fastify";

const tenantHeader = "x-scope-orgid";
/** More tenants than this in one request is a mistake; each costs a query of its own. */
const tenantsPerQueryMax = 64;

export interface TenantRules {
  readonly authEnabled: boolean;
  readonly multiTenantQueriesEnabled: boolean;
}

/** The one tenant a request writes or asks as. Throws RequestError 401 without one, 400 for a bad id. */
export function tenantOf(request: FastifyRequest, rules: TenantRules): string {
  if (!rules.authEnabled) return singleTenant;
  const id = headerOf(request);
  validateTenantId(id);
  return id;
}

/** The tenants of a read: several, joined by `|`, when that is enabled; sorted, each once. */
export function tenantsOf(request: FastifyRequest, rules: TenantRules): string[] {
  if (!rules.authEnabled) return [singleTenant];
  const id = headerOf(request);
  if (!rules.multiTenantQueriesEnabled || !id.includes("|")) {
    validateTenantId(id);
    return [id];
  }
  const ids = [...new Set(id.split("|"))].sort();
  if (ids.length > tenantsPerQueryMax) {
    throw new RequestError(400, `too many tenants: ${ids.length}, at most ${tenantsPerQueryMax}`);
  }
  for (const one of ids) {
    if (one === "") throw new RequestError(401, "no org id");
    validateTenantId(one);
  }
  return ids;
}

function headerOf(request: FastifyRequest): string {
  const header = request.headers[tenantHeader];
  const id = Array.isArray(header) ? header[0] : header;
  if (id === undefined || id === "") throw new RequestError(401, "no org id");
  return id;
}
