import { isStoreError, type StoreErrorKind } from "#base";
import type { Clock } from "#world";
import { type ObjectBody, sizeOfBody } from "./object-body.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";

export type ObjectStoreOperation = "get" | "put" | "delete" | "list" | "head" | "list folders";

export interface ObservedCall {
  readonly operation: ObjectStoreOperation;
  /** `aborted`: by the caller. `failed`: anything that is no StoreError. */
  readonly outcome: "ok" | "aborted" | "failed" | StoreErrorKind;
  /** Of a listing: only the time that was spent waiting for it. */
  readonly durationMs: number;
  /** Of bodies got. */
  readonly readBytes: number;
  /** Of bodies put. */
  readonly writtenBytes: number;
}

/** Hears of every call when it has ended; must not throw. */
export interface ObjectStoreObserver {
  observed(call: ObservedCall): void;
}

/** Tells an observer of every call, for metrics. */
export class MeasuredObjectStore implements ObjectStore {
  readonly name: string;
  readonly #inner: ObjectStore;
  readonly #clock: Clock;
  readonly #observer: ObjectStoreObserver;

  constructor(
    inner: ObjectStore,
    options: { readonly clock: Clock; readonly observer: ObjectStoreObserver },
  ) {
    this.name = inner.name;
    this.#inner = inner;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    const measured = { operation: "get", signal: options?.signal } as const;
    return this.#measure(measured, async (call) => {
      const body = await this.#inner.get(key, options);
      call.readBytes = body.length;
      return body;
    });
  }

  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    const measured = { operation: "put", signal: options?.signal } as const;
    const sizeBytes = sizeOfBody(body);
    return this.#measure(measured, async (call) => {
      await this.#inner.put(key, body, options);
      call.writtenBytes = sizeBytes;
    });
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    const measured = { operation: "delete", signal: options?.signal } as const;
    return this.#measure(measured, () => this.#inner.delete(key, options));
  }

  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const measured = { operation: "head", signal: options?.signal } as const;
    return this.#measure(measured, () => this.#inner.head(key, options));
  }

  listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    const measured = { operation: "list folders", signal: options?.signal } as const;
    return this.#measure(measured, () => this.#inner.listFolders(prefix, options));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    let waitedMs = 0;
    let outcome: ObservedCall["outcome"] = "ok";
    const items = this.#inner.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const startMs = this.#clock.monotonicMs();
        let next: IteratorResult<ObjectInfo, unknown>;
        try {
          next = await items.next();
        } finally {
          waitedMs += this.#clock.monotonicMs() - startMs;
        }
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      outcome = outcomeOf(error, options?.signal);
      throw error;
    } finally {
      await items.return?.();
      const nothing = { readBytes: 0, writtenBytes: 0 };
      this.#observer.observed({ operation: "list", outcome, durationMs: waitedMs, ...nothing });
    }
  }

  async #measure<T>(
    measured: {
      readonly operation: ObjectStoreOperation;
      readonly signal: AbortSignal | undefined;
    },
    run: (call: { readBytes: number; writtenBytes: number }) => Promise<T>,
  ): Promise<T> {
    const { operation, signal } = measured;
    const startMs = this.#clock.monotonicMs();
    const call = { readBytes: 0, writtenBytes: 0 };
    let outcome: ObservedCall["outcome"] = "ok";
    try {
      return await run(call);
    } catch (error) {
      outcome = outcomeOf(error, signal);
      throw error;
    } finally {
      const durationMs = this.#clock.monotonicMs() - startMs;
      this.#observer.observed({ operation, outcome, durationMs, ...call });
    }
  }
}

function outcomeOf(error: unknown, signal: AbortSignal | undefined): ObservedCall["outcome"] {
  if (signal?.aborted) return "aborted";
  return isStoreError(error) ? error.kind : "failed";
}
