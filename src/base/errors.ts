/**
 * The two kinds of failure. Our own bug: `assert` (node:assert) and the task crashes. The world's fault: one of the
 * classes below, coarse on purpose: they tell the caller what to do, the message tells a person what happened.
 */

/**
 * What a caller can do about a failed storage operation:
 * - `missing`: the thing is not there; do not retry.
 * - `corrupt`: the bytes are wrong; report, skip this part, go on with the rest.
 * - `full`: no room; refuse new writes with 503 and try again later.
 * - `unavailable`: the disk, store or server does not answer now; retry with backoff.
 * - `denied`: credentials or permissions are wrong; tell the operator.
 * - `closed`: this process is stopping.
 */
export type StoreErrorKind = "missing" | "corrupt" | "full" | "unavailable" | "denied" | "closed";

/** The world failed us. The message names file or key, offset, expected and actual. */
export class StoreError extends Error {
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.kind = kind;
  }
}

export function isStoreError(error: unknown, kind?: StoreErrorKind): error is StoreError {
  return error instanceof StoreError && (kind === undefined || error.kind === kind);
}

/**
 * A request that cannot be served, with the HTTP status and the text the client is to see (Loki's own words where it
 * has some). Never carries secrets.
 */
export class RequestError extends Error {
  readonly status: number;
  /** For 429 and 503: when to come back. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, options?: { retryAfterSeconds?: number }) {
    super(message);
    this.name = "RequestError";
    this.status = status;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
