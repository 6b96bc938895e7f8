import { MiB, RequestError } from "#base";
import type { SharedMemory } from "#query";

/** Running queries end in seconds and give back what they hold. */
const retryAfterSeconds = 5;

/**
 * What all running queries may keep in memory together. Each asks through an account of its own,
 * which gives back all that is left in it when the query ends.
 */
export class MemoryBudget {
  readonly #bytesMax: number;
  readonly #onRefused: () => void;
  #heldBytes = 0;

  constructor(options: { readonly bytesMax: number; readonly onRefused?: () => void }) {
    this.#bytesMax = options.bytesMax;
    this.#onRefused = options.onRefused ?? ((): void => {});
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** `hold` throws RequestError 503 when the queries that run would hold more than there is. */
  account(): SharedMemory & Disposable {
    let ownBytes = 0;
    const change = (bytes: number): void => {
      ownBytes += bytes;
      this.#heldBytes += bytes;
    };
    return {
      hold: (bytes) => {
        if (this.#heldBytes + bytes > this.#bytesMax) {
          this.#onRefused();
          throw outOfMemory(this.#bytesMax);
        }
        change(bytes);
      },
      release: (bytes) => change(-bytes),
      [Symbol.dispose]: () => change(-ownBytes),
    };
  }
}

function outOfMemory(bytesMax: number): RequestError {
  const text =
    `the queries that run now need more memory than queries may use together ` +
    `(${Math.floor(bytesMax / MiB)} MiB); try again later, or ask for less at a time`;
  return new RequestError(503, text, { retryAfterSeconds });
}
