/** What a credential may be allowed to do. Each right stands alone: `admin` does not read logs. */
export const rightNames = ["read", "write", "delete", "rules", "admin"] as const;
export type Right = (typeof rightNames)[number];

/** Who asks, and what that may be. */
export interface Principal {
  /** As the token file names it; for logs, never a secret. */
  readonly name: string;
  /** `*`: every tenant, also those to come. */
  readonly tenants: readonly string[] | "*";
  readonly rights: ReadonlySet<Right>;
}

export function mayActFor(principal: Principal, tenant: string): boolean {
  return principal.tenants === "*" || principal.tenants.includes(tenant);
}
