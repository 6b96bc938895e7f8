/**
 * Delete requests that a Loki left in its bucket. Loki hides what requests name that it has not
 * carried out, so Skald does, too; it does not carry them out.
 */
import { gunzip } from "node:zlib";
import { promisify } from "node:util";
import { isStoreError, messageOf, minute, MiB, StoreError } from "#base";
import { deleteRequestKeys, readDeleteRequests } from "#lokiindex";
import type { TimeRange } from "#model";
import type { ObjectStore } from "#objectstore";
import type { Clock } from "#world";
import { maskOfRequest } from "./delete-request.ts";
import { type Mask, overlaps } from "./mask.ts";

/** Loki uploads its database every five minutes. */
const refreshMs: number = 5 * minute;

/** Of the database unpacked; a million requests take some 200 MB. */
const databaseBytesMax: number = 512 * MiB;

const unpack = promisify(gunzip) as (
  bytes: Buffer,
  options: { maxOutputLength: number },
) => Promise<Buffer>;

export interface LokiRequestsOptions {
  /** Where index files are: object store and the prefix of their keys, `index/`. */
  readonly places: readonly { readonly objects: ObjectStore; readonly pathPrefix: string }[];
  readonly clock: Clock;
  /** A database that could be read before and cannot be now: what it said holds on. */
  readonly failed: (reason: string) => void;
}

export class LokiRequests {
  readonly #options: LokiRequestsOptions;
  #masks: ReadonlyMap<string, readonly Mask[]> | undefined;
  #readMs = 0;
  #reading: Promise<void> | undefined;

  constructor(options: LokiRequestsOptions) {
    this.#options = options;
  }

  /** Rejects while the databases could never be read: an answer could show what Loki hides. */
  async masks(tenant: string, range: TimeRange): Promise<readonly Mask[]> {
    const { clock } = this.#options;
    const isOld = clock.monotonicMs() - this.#readMs >= refreshMs;
    if (this.#masks === undefined || isOld) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      // What is known holds while it is read again.
      if (this.#masks === undefined) await this.#reading;
    }
    const own = this.#masks?.get(tenant) ?? [];
    return own.filter((mask) => overlaps(mask.range, range));
  }

  async #read(): Promise<void> {
    const { places, clock, failed } = this.#options;
    try {
      const found = new Map<string, Mask[]>();
      for (const { objects, pathPrefix } of places) {
        for (const name of deleteRequestKeys) {
          for (const [tenant, mask] of await this.#readOne(objects, `${pathPrefix}${name}`)) {
            const own = found.get(tenant);
            if (own === undefined) found.set(tenant, [mask]);
            else own.push(mask);
          }
        }
      }
      this.#masks = found;
      this.#readMs = clock.monotonicMs();
    } catch (error) {
      if (this.#masks === undefined) throw error;
      this.#readMs = clock.monotonicMs();
      failed(messageOf(error));
    }
  }

  async #readOne(objects: ObjectStore, key: string): Promise<[string, Mask][]> {
    const { clock } = this.#options;
    let packed: Buffer;
    try {
      packed = await objects.get(key);
    } catch (error) {
      if (isStoreError(error, "missing")) return [];
      throw error;
    }
    let database: Buffer;
    try {
      database = await unpack(packed, { maxOutputLength: databaseBytesMax });
    } catch (error) {
      throw new StoreError("corrupt", `${key}: cannot be unpacked: ${messageOf(error)}`);
    }
    return readDeleteRequests(key, database)
      .filter(({ status }) => status === "received")
      .map((request) => {
        const id = `of Loki ${request.id}.${request.sequence}`;
        return [request.tenant, maskOfRequest({ ...request, id }, () => clock.nowNs())];
      });
  }
}
