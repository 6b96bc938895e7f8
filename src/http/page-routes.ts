import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendText } from "./server.ts";

/** The built page. Names are those of its folder: `index.html`, `assets/index-B3x.js`. */
export interface PagePort {
  /** Undefined when there is no such file. `encoding` asks for the form compressed at build. */
  read(name: string, encoding?: "br" | "gzip"): Promise<Buffer | undefined>;
  /** Fresh chance for the policy of one answer: base64, at least 128 bits. */
  nonce(): string;
}

const contentTypes: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};
/** Names of assets hold a hash of their content: a browser never has to ask again. */
const immutable = "public, max-age=31536000, immutable";
/** Where the editor's styles find the nonce that lets them be. */
const nonceMark = "%CSP_NONCE%";
const notBuilt =
  "Skald runs, its API answers, but its web page is not built.\n" +
  "Run 'npm run setup' in Skald's folder and restart it.";

/**
 * The page for people at `/`, its files at `/assets/`. Only browsers get it: whoever does not ask for
 * HTML is answered as Loki answers, 404.
 */
export function pageRoutes(page: PagePort): (app: FastifyInstance) => void {
  return (app) => {
    app.route({
      method: ["GET", "HEAD"],
      url: "/",
      config: { kind: "admin" },
      handler: (request, reply) => sendPage(request, reply, page),
    });
    app.route({
      method: ["GET", "HEAD"],
      url: "/assets/:name",
      config: { kind: "admin" },
      handler: (request, reply) => sendAsset(request, reply, page),
    });
  };
}

async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PagePort,
): Promise<FastifyReply> {
  reply.header("Vary", "Accept");
  if (!/\btext\/html\b/.test(request.headers.accept ?? "")) {
    return sendText(reply, 404, "404 page not found");
  }
  const [path = "", query] = (request.raw.url ?? "").split("?");
  if (!path.endsWith("/")) {
    // Addresses in the page are relative; behind a prefix they need its slash.
    const last = path.slice(path.lastIndexOf("/") + 1);
    const location = `${last}/${query === undefined ? "" : `?${query}`}`;
    return reply.code(301).header("Location", location).send();
  }
  const html = await page.read("index.html");
  if (html === undefined) return sendText(reply, 503, notBuilt);
  const nonce = page.nonce();
  return withGuards(reply, nonce)
    .header("Content-Type", "text/html; charset=utf-8")
    .header("Cache-Control", "no-cache")
    .send(html.toString("utf8").replaceAll(nonceMark, nonce));
}

/** What the page may do: load its own files, talk to its own server, be in nobody's frame. */
function withGuards(reply: FastifyReply, nonce: string): FastifyReply {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return reply
    .header("Content-Security-Policy", policy.join("; "))
    .header("X-Content-Type-Options", "nosniff")
    .header("X-Frame-Options", "DENY")
    .header("Referrer-Policy", "no-referrer")
    .header("Cross-Origin-Opener-Policy", "same-origin");
}

async function sendAsset(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PagePort,
): Promise<FastifyReply> {
  const { name } = request.params as { name: string };
  const type = contentTypes[name.slice(name.lastIndexOf(".") + 1)];
  const accepted = acceptedEncodings(request.headers["accept-encoding"]);
  if (type === undefined) return sendText(reply, 404, "404 page not found");
  reply.header("Vary", "Accept-Encoding");
  for (const encoding of [...accepted, undefined]) {
    const content = await page.read(`assets/${name}`, encoding);
    if (content === undefined) continue;
    if (encoding !== undefined) reply.header("Content-Encoding", encoding);
    return reply
      .header("Content-Type", type)
      .header("Cache-Control", immutable)
      .header("X-Content-Type-Options", "nosniff")
      .send(content);
  }
  return sendText(reply, 404, "404 page not found");
}

/** The forms we have that the client can read, the smaller one first. */
function acceptedEncodings(header: string | string[] | undefined): ("br" | "gzip")[] {
  const items = String(header ?? "").toLowerCase();
  const isAccepted = (name: string): boolean =>
    new RegExp(`(?:^|,)\\s*${name}\\s*(?:;(?!\\s*q=0(?:\\.0*)?\\s*(?:,|$))[^,]*)?(?:,|$)`).test(
      items,
    );
  return (["br", "gzip"] as const).filter(isAccepted);
}
