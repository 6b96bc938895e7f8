import type { QueryRequest } from "#query";
import type { FastifyRequest } from "fastify";

/** What a query's headers say beside the query: `Cache-Control` and `X-Query-Tags`. */
export function cachingOf(request: FastifyRequest): Pick<QueryRequest, "bypassCache" | "tags"> {
  const control = request.headers["cache-control"] ?? "";
  const tags = request.headers["x-query-tags"];
  return {
    bypassCache: /no-cache|no-store/i.test(control),
    tags: Array.isArray(tags) ? tags.join(",") : tags,
  };
}
