import { RequestError } from "#base";
import { singleTenant, validateTenantId } from "#model";

const tenantKey = "x-scope-orgid";

/**
 * Whose logs a call brings, from its metadata. RequestError 401 without a tenant where one is
 * needed, 400 for several or an invalid one. `ownTenant` counts when none is named.
 */
export function tenantOfCall(
  metadata: Headers,
  { authEnabled, ownTenant }: { readonly authEnabled: boolean; readonly ownTenant: string },
): string {
  if (!authEnabled) return singleTenant;
  const named = metadata.get(tenantKey) ?? "";
  const id = named === "" ? ownTenant : named;
  if (id === "") throw new RequestError(401, "no org id");
  if (id.includes("|") || id.includes(",")) {
    throw new RequestError(400, "multiple org IDs present");
  }
  // `tenant:name=value`: what follows the colon says something about the call, not whose it is.
  const [tenant = ""] = id.split(":");
  if (tenant === "") throw new RequestError(401, "no org id");
  validateTenantId(tenant);
  return tenant;
}
