import { RequestError } from "#base";

/** The tenant of everything when auth is off, as in Loki. */
export const singleTenant = "fake";

/** Longer ids are refused, as in Loki; also keeps object keys short. */
export const tenantIdLengthMax = 150;

const allowed = /^[a-zA-Z0-9!\-_.*'()]+$/;

/**
 * Checks a tenant id before it touches a path or a key. Throws RequestError 400 in Loki's words: too long, an unsupported
 * character, or one of the names a file system would take for something else (`.`, `..`).
 */
export function validateTenantId(id: string): void {
  if (id.length > tenantIdLengthMax) {
    throw new RequestError(400, `tenant ID is too long: max ${tenantIdLengthMax} characters`);
  }
  if (id === "." || id === ".." || id === "__markers__") {
    throw new RequestError(400, `tenant ID is '.' or '..'`);
  }
  if (!allowed.test(id)) {
    const at = Array.from(id).find((char) => !allowed.test(char)) ?? "";
    throw new RequestError(400, `tenant ID '${id}' contains unsupported character '${at}'`);
  }
}
