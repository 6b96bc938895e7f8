/**
 * Who comes next when tenants share something: deficit round robin (Shreedhar and Varghese, 1995).
 * Tenants stand in a ring; each visit adds a quantum to the tenant's balance, and while that is
 * above zero its oldest item is next. What an item cost is told afterwards, so a tenant may owe:
 * then the ring passes it over until it is even. A tenant that leaves does so without its debt only
 * once the ring has come around to it.
 */
import { KiB } from "#base";

/** About one push of an agent: smaller ones of a tenant go together, a larger one takes rounds. */
export const quantumBytes: number = 256 * KiB;
/** Rounds that a tenant is passed over at most, however much one item cost. */
const debtRoundsMax = 64;
/** Each item costs something, else empty ones would have no end of a turn. */
const costBytesMin: number = 4 * KiB;

interface Line<T> {
  readonly items: { readonly item: T; readonly bytes: number }[];
  /** Of `items`, as they were announced. */
  bytes: number;
  balanceBytes: number;
}

/** Bounded by who adds to it. */
export class TenantRounds<T> {
  /** The ring: its order is that of the map. */
  readonly #lines = new Map<string, Line<T>>();
  /** Tenants with items. */
  #tenantCount = 0;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Of all items. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * How many bytes come before one more item of this tenant, when tenants take turns and `more` is
   * added until then.
   */
  bytesBefore(tenant: string, more: { readonly own: number; readonly all: number }): number {
    const line = this.#lines.get(tenant);
    const others = this.#tenantCount - Number(line !== undefined && line.items.length > 0);
    const own = (line?.bytes ?? 0) + more.own;
    return Math.min(this.#bytes + more.all, own + (own + quantumBytes) * others);
  }

  add(tenant: string, item: T, bytes: number): void {
    let line = this.#lines.get(tenant);
    if (line === undefined) {
      line = { items: [], bytes: 0, balanceBytes: quantumBytes };
      this.#lines.set(tenant, line);
    }
    if (line.items.length === 0) this.#tenantCount++;
    line.items.push({ item, bytes });
    line.bytes += bytes;
    this.#bytes += bytes;
    this.#count++;
  }

  /** Takes the next one out; say with `charge` what it cost. */
  next(): { readonly tenant: string; readonly item: T } | undefined {
    if (this.#count === 0) return undefined;
    for (;;) {
      for (const [tenant, line] of this.#lines) {
        if (line.balanceBytes > 0) {
          const first = line.items.shift();
          if (first !== undefined) {
            line.bytes -= first.bytes;
            this.#bytes -= first.bytes;
            this.#count--;
            if (line.items.length === 0) this.#tenantCount--;
            return { tenant, item: first.item };
          }
        }
        this.#passOver(tenant, line);
      }
    }
  }

  charge(tenant: string, bytes: number): void {
    const line = this.#lines.get(tenant);
    if (line === undefined) return;
    const cost = Math.max(bytes, costBytesMin);
    line.balanceBytes = Math.max(line.balanceBytes - cost, -debtRoundsMax * quantumBytes);
  }

  /** To the end of the ring, or out of it. */
  #passOver(tenant: string, line: Line<T>): void {
    this.#lines.delete(tenant);
    line.balanceBytes = Math.min(line.balanceBytes + quantumBytes, quantumBytes);
    if (line.items.length > 0 || line.balanceBytes <= 0) this.#lines.set(tenant, line);
  }
}
