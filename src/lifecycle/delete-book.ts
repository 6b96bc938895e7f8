/**
 * The delete requests of all tenants: one object each (docs/formats/delete-request.md), all of them
 * in memory. An object is put before memory changes, so whoever was told of a request finds it
 * after a crash. One process at a time writes; others see its changes by `refresh`.
 */
import { isStoreError, messageOf, RequestError } from "#base";
import type { TimeRange } from "#model";
import { tenantPath } from "./tenant-path.ts";
import type { ObjectStore } from "#objectstore";
import type { Clock, Random } from "#world";
import {
  decodeDeleteRequest,
  type DeleteRequest,
  encodeDeleteRequest,
  maskOfRequest,
  newDeleteRequest,
} from "./delete-request.ts";
import { type Mask, overlaps } from "./mask.ts";

const root = "deletes/";

/** Requests of one tenant that still hide; each costs every query of its times. */
export const pendingRequestsMax = 1_000;

/** Finished ones that are kept to tell of; the oldest go first. */
export const finishedRequestsMax = 1_000;

/** Objects read at a time. */
const getsAtOnce = 32;

export interface DeleteBookOptions {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** An object that cannot be read as a request: it hides nothing, so somebody must hear of it. */
  readonly unreadable: (key: string, reason: string) => void;
}

interface Entry {
  readonly request: DeleteRequest;
  /** While it hides. */
  readonly mask: Mask | undefined;
}

interface TenantBook {
  readonly entries: Map<string, Entry>;
  /** Grows when what is hidden changes. */
  changes: number;
  changedNs: bigint;
}

export class DeleteBook {
  readonly #options: DeleteBookOptions;
  #tenants = new Map<string, TenantBook>();
  #loading: Promise<void> | undefined;
  /** Changes are made one after the other. */
  #changing: Promise<unknown> = Promise.resolve();
  #changeCount = 0;

  constructor(options: DeleteBookOptions) {
    this.#options = options;
  }

  /** Reads all requests, once; a failure is tried again by the next caller. */
  async load(): Promise<void> {
    this.#loading ??= this.#read().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    await this.#loading;
  }

  /** Sees what another process changed. */
  async refresh(): Promise<void> {
    await this.load();
    await this.#exclusively(() => this.#read());
  }

  async #read(): Promise<void> {
    const { objects } = this.#options;
    const found = new Map<string, TenantBook>();
    const keys: string[] = [];
    for await (const { key } of objects.list(root)) if (key.endsWith(".json")) keys.push(key);
    for (let from = 0; from < keys.length; from += getsAtOnce) {
      const some = keys.slice(from, from + getsAtOnce).map((key) => this.#readOne(key));
      for (const request of await Promise.all(some)) {
        if (request !== undefined) this.#enter(found, request);
      }
    }
    for (const [tenant, book] of found) {
      const known = this.#tenants.get(tenant);
      const isSame = known !== undefined && hidingOf(known) === hidingOf(book);
      book.changes = isSame ? known.changes : ++this.#changeCount;
      if (isSame) book.changedNs = known.changedNs;
    }
    for (const [tenant, { entries }] of this.#tenants) {
      if (entries.size > 0 && !found.has(tenant)) this.#bookOf(found, tenant).changes++;
    }
    this.#tenants = found;
  }

  /** Undefined when there is none that can be read. */
  async #readOne(key: string): Promise<DeleteRequest | undefined> {
    const { objects, unreadable } = this.#options;
    try {
      const request = decodeDeleteRequest(key, await objects.get(key));
      if (keyOf(request) === key) return request;
      unreadable(key, `is the place of another request than ${request.id}`);
    } catch (error) {
      // Cancelled meanwhile.
      if (isStoreError(error, "missing")) return undefined;
      if (!isStoreError(error, "corrupt")) throw error;
      unreadable(key, messageOf(error));
    }
    return undefined;
  }

  #bookOf(tenants: Map<string, TenantBook>, tenant: string): TenantBook {
    let book = tenants.get(tenant);
    if (book === undefined) {
      const changes = ++this.#changeCount;
      book = { entries: new Map(), changes, changedNs: this.#options.clock.nowNs() };
      tenants.set(tenant, book);
    }
    return book;
  }

  #enter(tenants: Map<string, TenantBook>, request: DeleteRequest): void {
    const { clock } = this.#options;
    const hides = request.state !== "gone";
    const mask = hides ? maskOfRequest(request, () => clock.nowNs()) : undefined;
    this.#bookOf(tenants, request.tenant).entries.set(request.id, { request, mask });
  }

  /** Oldest first. */
  async list(tenant: string): Promise<DeleteRequest[]> {
    await this.load();
    const book = this.#tenants.get(tenant);
    const requests = [...(book?.entries.values() ?? [])].map(({ request }) => request);
    return requests.sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
  }

  async tenants(): Promise<string[]> {
    await this.load();
    return [...this.#tenants.keys()].sort();
  }

  async find(tenant: string, id: string): Promise<DeleteRequest | undefined> {
    await this.load();
    return this.#tenants.get(tenant)?.entries.get(id)?.request;
  }

  /** Masks of the requests that still hide something of the range. */
  async masks(tenant: string, range: TimeRange): Promise<Mask[]> {
    await this.load();
    return this.masksNow(tenant).filter((mask) => overlaps(mask.range, range));
  }

  /** Those that are in memory: all of them once `load` resolved. */
  masksNow(tenant: string): Mask[] {
    const book = this.#tenants.get(tenant);
    if (book === undefined) return [];
    return [...book.entries.values()].flatMap(({ mask }) => mask ?? []);
  }

  /** Grows with every change of what is hidden from the tenant. */
  changeNumber(tenant: string): number {
    return this.#tenants.get(tenant)?.changes ?? 0;
  }

  /** When that was, for caches of other programs; 0 when never. */
  changedNs(tenant: string): bigint {
    return this.#tenants.get(tenant)?.changedNs ?? 0n;
  }

  /** Durable when resolved. RequestError 400 when the tenant has too many that are not finished. */
  async add(
    draft: Pick<DeleteRequest, "tenant" | "query" | "startMs" | "endMs">,
  ): Promise<DeleteRequest> {
    await this.load();
    return this.#exclusively(async () => {
      const { random, clock } = this.#options;
      const known = this.#tenants.get(draft.tenant)?.entries ?? new Map<string, Entry>();
      const pending = [...known.values()].filter(({ mask }) => mask !== undefined).length;
      if (pending >= pendingRequestsMax) {
        throw new RequestError(
          400,
          `${pending} delete requests wait to be carried out, no more than that are taken`,
        );
      }
      let id: string;
      do id = random.bytes(4).toString("hex");
      while (known.has(id));
      const request = newDeleteRequest({ ...draft, id, createdMs: clock.nowMs() });
      await this.#put(request);
      return request;
    });
  }

  /**
   * Changes what is known of a request, durably; undefined when it was cancelled meanwhile. A
   * request that becomes `gone` hides nothing any more.
   */
  async update(
    { tenant, id }: Pick<DeleteRequest, "tenant" | "id">,
    change: (request: DeleteRequest) => DeleteRequest,
  ): Promise<DeleteRequest | undefined> {
    await this.load();
    return this.#exclusively(async () => {
      const known = this.#tenants.get(tenant)?.entries.get(id)?.request;
      if (known === undefined) return undefined;
      const changed = change(known);
      if (changed !== known) await this.#put(changed);
      if (changed.state === "gone") await this.#forgetOldest(tenant);
      return changed;
    });
  }

  /** False when there is none. `isFree` is asked under the lock that updates take. */
  async remove(
    { tenant, id }: Pick<DeleteRequest, "tenant" | "id">,
    isFree: (request: DeleteRequest) => boolean = () => true,
  ): Promise<boolean> {
    await this.load();
    return this.#exclusively(async () => {
      const known = this.#tenants.get(tenant)?.entries.get(id)?.request;
      if (known === undefined || !isFree(known)) return false;
      await this.#options.objects.delete(keyOf(known));
      this.#bookOf(this.#tenants, tenant).entries.delete(id);
      this.#changed(tenant);
      return true;
    });
  }

  async #forgetOldest(tenant: string): Promise<void> {
    const entries = this.#tenants.get(tenant)?.entries;
    const gone = [...(entries?.values() ?? [])]
      .map(({ request }) => request)
      .filter(({ state }) => state === "gone")
      .sort((a, b) => a.createdMs - b.createdMs);
    for (const request of gone.slice(0, Math.max(0, gone.length - finishedRequestsMax))) {
      await this.#options.objects.delete(keyOf(request));
      entries?.delete(request.id);
    }
  }

  async #put(request: DeleteRequest): Promise<void> {
    const { tenant, id } = request;
    await this.#options.objects.put(keyOf(request), encodeDeleteRequest(request));
    const before = this.#tenants.get(tenant)?.entries.get(id);
    this.#enter(this.#tenants, request);
    const isHiding = request.state !== "gone";
    if ((before?.mask !== undefined) !== isHiding) this.#changed(tenant);
  }

  #changed(tenant: string): void {
    const book = this.#bookOf(this.#tenants, tenant);
    book.changes = ++this.#changeCount;
    book.changedNs = this.#options.clock.nowNs();
  }

  async #exclusively<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#changing.then(task, task);
    this.#changing = mine.catch(() => undefined);
    return mine;
  }
}

function hidingOf({ entries }: TenantBook): string {
  const ids = [...entries.values()].filter(({ mask }) => mask !== undefined);
  return ids
    .map(({ request }) => request.id)
    .sort()
    .join(" ");
}

function keyOf({ tenant, id }: Pick<DeleteRequest, "tenant" | "id">): string {
  return `${root}${tenantPath(tenant)}/${id}.json`;
}
