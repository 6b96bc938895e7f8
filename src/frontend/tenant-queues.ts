/**
 * Who comes next among tenants that wait. Each tenant pays for what it was given; the one that has
 * paid least comes next, so that tenants with equal queries take turns, and one whose queries are
 * ten times as large gets a tenth as many turns. A tenant that comes back after a pause starts at
 * the level of the others: a pause earns no credit. (Start-time fair queueing.)
 */
export class TenantQueues<T extends object> {
  readonly #tenants = new Map<string, TenantQueue<T>>();
  /** What the tenant that came last had paid when it came. */
  #levelBytes = 0;
  #count = 0;

  /** All that wait. */
  get count(): number {
    return this.#count;
  }

  countOf(tenant: string): number {
    return this.#tenants.get(tenant)?.waiting.length ?? 0;
  }

  add(tenant: string, item: T): void {
    this.#tenantOf(tenant).waiting.push(item);
    this.#count++;
  }

  /** False when it no longer waits. */
  remove(tenant: string, item: T): boolean {
    const queue = this.#tenants.get(tenant);
    const at = queue?.waiting.indexOf(item) ?? -1;
    if (queue === undefined || at < 0) return false;
    queue.waiting.splice(at, 1);
    this.#count--;
    this.#forgetIdle(tenant, queue);
    return true;
  }

  /** Queries of a tenant that have their turn. */
  runningOf(tenant: string): number {
    return this.#tenants.get(tenant)?.running ?? 0;
  }

  /** The first one `wanted` in the queue of the tenant that has paid least; it stays where it is. */
  next(wanted: (item: T) => boolean): { tenant: string; item: T } | undefined {
    let best: { tenant: string; item: T; paidBytes: number } | undefined;
    for (const [tenant, { waiting, paidBytes }] of this.#tenants) {
      if (best !== undefined && paidBytes >= best.paidBytes) continue;
      const item = waiting.find(wanted);
      if (item !== undefined) best = { tenant, item, paidBytes };
    }
    return best;
  }

  /** The tenant has something running, and pays for it. Goes with one `end`. */
  begin(tenant: string, costBytes: number): void {
    const queue = this.#tenantOf(tenant);
    this.#levelBytes = Math.max(this.#levelBytes, queue.paidBytes);
    queue.running++;
    queue.paidBytes += costBytes;
    // Among equals the one that came last goes to the end of the line.
    this.#tenants.delete(tenant);
    this.#tenants.set(tenant, queue);
  }

  /** `correctionBytes`: what it came to, less what was paid. */
  end(tenant: string, correctionBytes: number): void {
    const queue = this.#tenantOf(tenant);
    queue.running--;
    queue.paidBytes += correctionBytes;
    this.#forgetIdle(tenant, queue);
  }

  #tenantOf(tenant: string): TenantQueue<T> {
    let queue = this.#tenants.get(tenant);
    if (queue === undefined) {
      queue = { waiting: [], running: 0, paidBytes: this.#levelBytes };
      this.#tenants.set(tenant, queue);
    }
    return queue;
  }

  #forgetIdle(tenant: string, queue: TenantQueue<T>): void {
    if (queue.waiting.length === 0 && queue.running === 0) this.#tenants.delete(tenant);
  }
}

interface TenantQueue<T> {
  readonly waiting: T[];
  running: number;
  paidBytes: number;
}
