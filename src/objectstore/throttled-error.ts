import { StoreError } from "#base";

/** `unavailable`, from a server that says when to come back. */
export class ThrottledError extends StoreError {
  /** From now; not before. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super("unavailable", message);
    this.retryAfterMs = retryAfterMs;
  }
}
