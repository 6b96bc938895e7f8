import type { IncomingHttpHeaders } from "node:http";

/**
 * Whether a browser says that the request comes from another site's page. What is not a browser
 * says nothing and may come. `Sec-Fetch-Site` and `Origin` cannot be set by scripts of a page.
 */
export function isFromElsewhere(
  headers: IncomingHttpHeaders,
  allowedOrigins: ReadonlySet<string>,
): boolean {
  const { origin } = headers;
  if (origin !== undefined && allowedOrigins.has(origin)) return false;
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  if (origin === undefined) return false;
  const forwarded = headers["x-forwarded-host"];
  const hosts = [headers.host, ...(forwarded === undefined ? [] : String(forwarded).split(","))];
  return !hosts.some((host) => host !== undefined && host.trim() === hostOf(origin));
}

/** `null`, which sandboxed pages send, has no host. */
function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "";
}
