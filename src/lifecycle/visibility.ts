import { nsPerMs } from "#base";
import type { LimitsByTenant } from "#config";
import type { TimeRange } from "#model";
import type { Clock } from "#world";
import type { DeleteBook } from "./delete-book.ts";
import { hiddenRows, type Mask } from "./mask.ts";
import type { Block } from "#storage";
import type { Retention } from "./retention.ts";
import { cutStepMs } from "./retention-policy.ts";

/** Deletes that another store brings along: those of a Loki bucket that Loki did not carry out. */
export type OtherMasks = (tenant: string, range: TimeRange) => Promise<readonly Mask[]>;

export interface VisibilityOptions {
  readonly book: DeleteBook;
  readonly retention: Retention;
  readonly limits: LimitsByTenant;
  readonly clock: Clock;
  readonly others?: readonly OtherMasks[];
}

/** Something that decides what is seen of a range, by a name that changes with it. */
export interface VisibilityPart {
  readonly key: string;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/**
 * What a tenant's queries may not see: requests to delete, retention, and what other stores bring
 * along.
 */
export class Visibility {
  readonly #options: VisibilityOptions;

  constructor(options: VisibilityOptions) {
    this.#options = options;
  }

  async masks(tenant: string, range: TimeRange): Promise<readonly Mask[]> {
    const { book, retention, others = [] } = this.#options;
    const masks: Mask[] = retention.masks(tenant, range);
    if (this.#deletes(tenant)) {
      masks.push(...(await book.masks(tenant, range)));
      for (const other of others) masks.push(...(await other(tenant, range)));
    }
    return masks;
  }

  #deletes(tenant: string): boolean {
    return this.#options.limits.for(tenant).deletionMode !== "disabled";
  }

  /**
   * Rows of a block of fresh entries to leave out of a tail: marks other than 0. Its columns are
   * all there.
   */
  hiddenNow(tenant: string, block: Block): Uint16Array | undefined {
    if (!this.#deletes(tenant)) return undefined;
    const masks = this.#options.book.masksNow(tenant);
    return masks.length === 0 ? undefined : hiddenRows(block, masks);
  }

  changeNumber(tenant: string): number {
    return this.#options.book.changeNumber(tenant);
  }

  /**
   * For names of remembered results. A cut of retention moves on all the time, but changes only
   * what it lies in: results wholly before it stay as they are, as do those wholly after it.
   */
  async parts(tenant: string, range: TimeRange): Promise<VisibilityPart[]> {
    const { retention, clock } = this.#options;
    const parts: VisibilityPart[] = [];
    const policy = retention.policyOf(tenant);
    const nowMs = clock.nowMs();
    const moment = Math.floor(nowMs / cutStepMs);
    for (const [at, { range: hidden }] of (policy?.masks(nowMs) ?? []).entries()) {
      const cut = hidden.toNs;
      const name = `${policy!.digest}.${at}`;
      parts.push({ key: `expired ${name}`, minNs: hidden.fromNs, maxNs: cut - 1n });
      // Both sides of the cut, for a result that ends or begins within the step.
      const stepNs = BigInt(cutStepMs) * nsPerMs;
      const key = `cut ${name} ${moment}`;
      parts.push({ key, minNs: cut - stepNs, maxNs: cut + stepNs });
    }
    for (const { name, range: hidden } of await this.#deleteMasks(tenant, range)) {
      parts.push({ key: name, minNs: hidden.fromNs, maxNs: hidden.toNs - 1n });
    }
    return parts;
  }

  async #deleteMasks(tenant: string, range: TimeRange): Promise<readonly Mask[]> {
    if (!this.#deletes(tenant)) return [];
    const { book, others = [] } = this.#options;
    const masks: Mask[] = await book.masks(tenant, range);
    for (const other of others) masks.push(...(await other(tenant, range)));
    return masks;
  }
}
