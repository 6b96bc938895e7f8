import { RequestError } from "#base";
import { singleTenant, validateTenantId } from "#model";
import type { FastifyRequest } from "fastify";
import { checkTenants, onlyTenantOf } from "./guard-access.ts";

const tenantHeader = "x-scope-orgid";
/** More tenants than this in one request is a mistake; each costs a query of its own. */
const tenantsPerQueryMax = 64;

export interface TenantRules {
  readonly authEnabled: boolean;
  readonly multiTenantQueriesEnabled: boolean;
}

/**
 * The one tenant a request writes or asks as. Throws RequestError 401 without one, 403 for one that
 * the credential is not for, else 400.
 */
export function tenantOf(request: FastifyRequest, rules: TenantRules): string {
  const [first, ...others] = tenantIds(request, rules);
  if (others.length > 0) throw new RequestError(400, "multiple org IDs present");
  if (first === undefined || first === "") throw new RequestError(401, "no org id");
  return first;
}

/**
 * The tenants of a read: several, joined by `|`, when that is enabled; sorted, each once. The empty
 * name may be among several: it counts as one that holds nothing.
 */
export function tenantsOf(request: FastifyRequest, rules: TenantRules): string[] {
  if (!rules.multiTenantQueriesEnabled) return [tenantOf(request, rules)];
  return tenantIds(request, rules);
}

function tenantIds(request: FastifyRequest, rules: TenantRules): string[] {
  const ids = namedTenants(request, rules);
  checkTenants(request, ids);
  return ids;
}

function namedTenants(request: FastifyRequest, rules: TenantRules): string[] {
  if (!rules.authEnabled) return [singleTenant];
  const header = request.headers[tenantHeader];
  const named = Array.isArray(header) ? header[0] : header;
  // A credential for one tenant need not name it.
  const id = named === undefined || named === "" ? onlyTenantOf(request) : named;
  if (id === undefined || id === "") throw new RequestError(401, "no org id");
  const ids = id.split("|").map(withoutMetadata);
  for (const one of ids) if (one !== "") validateTenantId(one);
  const distinct = [...new Set(ids)].sort();
  if (distinct.length > tenantsPerQueryMax) {
    throw new RequestError(
      400,
      `too many tenants: ${distinct.length}, at most ${tenantsPerQueryMax}`,
    );
  }
  return distinct;
}

/** `tenant:name=value`: what follows the colon is about the request, not whose it is. */
function withoutMetadata(id: string): string {
  const at = id.indexOf(":");
  return at < 0 ? id : id.slice(0, at);
}
