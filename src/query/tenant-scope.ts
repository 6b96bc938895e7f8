import { RequestError } from "#base";
import { checkMatchers, ParseError } from "#logql";
import type { Matcher } from "#model";

/** Label that tells results of several tenants apart. */
export const tenantLabel = "__tenant_id__";

/** Which tenants a selector reads, and with which matchers. */
export interface TenantScope {
  readonly tenants: readonly string[];
  /** Results carry `__tenant_id__`. */
  readonly isMulti: boolean;
  readonly matchers: readonly Matcher[];
}

/**
 * In a query over several tenants, matchers on `__tenant_id__` choose among them and the others
 * must still select something (unless they may be empty, as for series); in a query of one tenant
 * it is a label like any other. Throws RequestError 400 in Loki's words.
 */
export function tenantScope(
  tenants: readonly string[],
  matchers: readonly Matcher[],
  options: { readonly mayBeEmpty: boolean } = { mayBeEmpty: false },
): TenantScope {
  const isMulti = tenants.length > 1;
  const named = tenants.filter((tenant) => tenant !== "");
  if (!isMulti) return { tenants: named, isMulti, matchers };
  const [choosing, rest] = partition(matchers, (matcher) => matcher.name === tenantLabel);
  if (choosing.length > 0 && !options.mayBeEmpty) checkRest(rest);
  const chosen = named.filter((tenant) => choosing.every((matcher) => matcher.test(tenant)));
  return { tenants: [...new Set(chosen)], isMulti, matchers: rest };
}

function checkRest(rest: readonly Matcher[]): void {
  try {
    checkMatchers(rest);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const what = "log selector is invalid after matcher update: ";
    throw new RequestError(400, what + error.message);
  }
}

function partition<T>(items: readonly T[], is: (item: T) => boolean): [T[], T[]] {
  return [items.filter(is), items.filter((item) => !is(item))];
}
