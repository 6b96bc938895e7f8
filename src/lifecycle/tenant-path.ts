/** A tenant as one part of an object's key: percent-encoded; dots alone would be a folder step. */
export function tenantPath(tenant: string): string {
  return /^\.+$/.test(tenant) ? tenant.replaceAll(".", "%2E") : encodeURIComponent(tenant);
}
