import { pageBytes } from "./disk-cache-slab.ts";

/** What of a range is cached, in aligned pages, and what is to be fetched. */
export interface ReadPlan<Page> {
  readonly firstPage: number;
  readonly before: readonly Page[];
  /** The pages from the first missing one to the last one. */
  readonly missing: { readonly firstPage: number; readonly endPage: number } | undefined;
  readonly missingBytes: number;
  readonly after: readonly Page[];
}

/** At most one request: pages between two missing ones are fetched along. */
export function planRead<Page extends { readonly length: number }>(
  known: ReadonlyMap<number, Page> | undefined,
  range: { readonly from: number; readonly to: number },
): ReadPlan<Page> {
  const firstPage = Math.floor(range.from / pageBytes);
  const endPage = Math.ceil(range.to / pageBytes);
  const before: Page[] = [];
  const after: Page[] = [];
  let missingFrom: number | undefined;
  let missingTo = 0;
  for (let page = firstPage; page < endPage; page++) {
    const at = known?.get(page);
    if (at === undefined) {
      missingFrom ??= page;
      missingTo = page + 1;
      after.length = 0;
      continue;
    }
    (missingFrom === undefined ? before : after).push(at);
    // The object ends here.
    if (at.length < pageBytes) break;
  }
  if (missingFrom === undefined) {
    return { firstPage, before, missing: undefined, missingBytes: 0, after };
  }
  const missing = { firstPage: missingFrom, endPage: missingTo };
  return { firstPage, before, missing, missingBytes: (missingTo - missingFrom) * pageBytes, after };
}
