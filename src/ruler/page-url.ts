/** The address of Skald's page showing a query: where alerts and links of templates lead. */
export interface PageQuery {
  readonly query: string;
  /** Undefined: the page's own default. */
  readonly range?: { readonly fromMs: number; readonly toMs: number };
  readonly tenant?: string;
}

/** `base` is ruler.external_url; the parameters are those of the page's address (web/src/state). */
export function pageUrl(base: string, { query, range, tenant }: PageQuery): string {
  const parameters = new URLSearchParams({ q: query });
  if (range !== undefined) {
    parameters.set("from", String(range.fromMs));
    parameters.set("to", String(range.toMs));
  }
  if (tenant !== undefined) parameters.set("tenant", tenant);
  return `${base.replace(/\/+$/, "")}/#/explore?${parameters.toString()}`;
}
