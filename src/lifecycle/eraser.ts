/** What an engine offers, so that the rows of masks do not only hide but go. */
import type { TimeRange } from "#model";
import type { ErasedCount } from "./delete-request.ts";
import type { Mask } from "./mask.ts";

export interface EraseJob {
  readonly tenant: string;
  /** Of the requests, in the order of their masks. */
  readonly ids: readonly string[];
  readonly masks: readonly Mask[];
}

export interface EraseOutcome {
  /**
   * A search over everything that queries read, after the last change, found no row of the masks.
   */
  readonly isClean: boolean;
  /** What kept it from that, in words. */
  readonly problems: readonly string[];
}

export interface Eraser {
  /** For logs: the object store. */
  readonly name: string;
  /** May be called again at any time: what is erased already costs a search. */
  erase(job: EraseJob, signal: AbortSignal): Promise<EraseOutcome>;
  /**
   * What was erased on account of these requests, over all calls of `erase`, also those that a
   * crash ended. Told as long as `leaving` objects are there.
   */
  erased(job: EraseJob): Promise<ReadonlyMap<string, ErasedCount>>;
  /** Objects that queries do not read any more, but that may still hold rows of the range. */
  leaving(tenant: string, range: TimeRange): Promise<string[]>;
  /** Whether none of these objects is there any more. */
  areGone(objects: readonly string[], signal: AbortSignal): Promise<boolean>;
}
