import assert from "node:assert";
import {
  type AuditEvent,
  type Identity,
  mayActFor,
  peerCertificateOf,
  type PeerSocket,
  type Principal,
} from "#access";
import { RequestError } from "#base";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AccessFollower, followTenants } from "./follow-access.ts";
import { isFromElsewhere } from "./own-page.ts";
import type { AccessPort, HttpPorts } from "./ports.ts";
import { accessOf, type RouteAccess, type RouteRight } from "./route-rights.ts";

export const sessionCookie = "skald_session";
/** A browser's websocket cannot set headers; it offers the token as a protocol of this form. */
const protocolPrefix = "skald.bearer.";

const identities = new WeakMap<FastifyRequest, Identity>();

/** Who asks; undefined when nobody said or no token file is in force. */
export function identityOf(request: FastifyRequest): Identity | undefined {
  return identities.get(request);
}

/** Throws RequestError 403; the same whether there is such a tenant or not. */
export function checkTenants(request: FastifyRequest, tenants: readonly string[]): void {
  const principal = identities.get(request)?.credential;
  if (principal === undefined) return;
  const other = tenants.find((tenant) => tenant !== "" && !mayActFor(principal, tenant));
  if (other !== undefined) throw new RequestError(403, `not allowed for tenant ${other}`);
  followTenants(request, tenants);
}

/** The one tenant a credential is for; undefined when it has a choice. */
export function onlyTenantOf(request: FastifyRequest): string | undefined {
  const tenants = identities.get(request)?.credential.tenants;
  return tenants !== undefined && tenants !== "*" && tenants.length === 1 ? tenants[0] : undefined;
}

export interface GuardOptions {
  readonly ports: HttpPorts;
  readonly prefix: string;
  readonly origins: ReadonlySet<string>;
}

/** Every route is behind this: who asks, whether that may, and what it did. */
export function guardAccess(app: FastifyInstance, { ports, prefix, origins }: GuardOptions): void {
  const ruleOf = (request: FastifyRequest): RouteAccess | undefined => {
    const { url } = request.routeOptions;
    return url === undefined ? undefined : accessOf(withoutPrefix(url, prefix), request.method);
  };
  const follower = new AccessFollower(app, ports);
  app.addHook("onRoute", ({ url, method }) => {
    for (const one of [method].flat()) {
      const rule = accessOf(withoutPrefix(url, prefix), one);
      assert(rule !== undefined, `${one} ${url} is in no family of route-rights.ts`);
    }
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header("X-Content-Type-Options", "nosniff");
    const rule = ruleOf(request);
    if (rule === undefined) return;
    const isElsewhere = isFromElsewhere(request.headers, origins);
    if (rule.acts && isElsewhere) throw new RequestError(403, "refused: asked by another site");
    if (ports.access === undefined) return;
    await identify(request, reply, { access: ports.access, follower, rule, isElsewhere });
  });
  app.addHook("onResponse", async (request, reply) => {
    const rule = ruleOf(request);
    if (rule !== undefined) audit(request, reply, { ports, rule });
  });
}

function withoutPrefix(url: string, prefix: string): string {
  const path = prefix !== "" && url.startsWith(prefix) ? url.slice(prefix.length) : url;
  return path === "" ? "/" : path;
}

interface Guarding {
  readonly access: AccessPort;
  readonly follower: AccessFollower;
  readonly rule: RouteAccess;
  readonly isElsewhere: boolean;
}

async function identify(
  request: FastifyRequest,
  reply: FastifyReply,
  { access, follower, rule, isElsewhere }: Guarding,
): Promise<void> {
  const needed = neededRights(rule.right, request, access);
  const authorization = request.headers.authorization ?? offeredToken(request);
  const session = isElsewhere ? undefined : cookieOf(request);
  if (needed === undefined && authorization === undefined && session === undefined) return;
  const identity = await access.authenticator
    .identify({
      authorization,
      session,
      certificate: peerCertificateOf(request.raw.socket as PeerSocket),
      address: request.ip,
    })
    .catch((error: unknown) => {
      // What needs nobody is not refused for a password that is wrong, such as an old one.
      if (needed === undefined && error instanceof RequestError) return undefined;
      if (error instanceof RequestError && error.status === 401) challenge(request, reply);
      throw error;
    });
  if (identity !== undefined) {
    // Browsers add basic credentials by themselves, as they add cookies.
    if (isElsewhere && identity.by === "password") {
      throw new RequestError(403, "refused: asked by another site");
    }
    identities.set(request, identity);
    if (identity.by === "session") reply.header("Cache-Control", "no-store");
  }
  if (needed === undefined) return;
  if (identity === undefined) {
    challenge(request, reply);
    throw new RequestError(401, "unauthorized: send a token or a name and password");
  }
  checkRights(identity.credential, needed);
  follower.follow(request, reply, { identity, needed });
}

/** Undefined: nobody has to be known. Empty: anybody who is known. */
function neededRights(
  right: RouteRight,
  request: FastifyRequest,
  access: AccessPort,
): Exclude<RouteRight, string> | undefined {
  if (right === "open") return undefined;
  if (right === "known") return [];
  if (right !== "probe") return right;
  const isOpen = access.openPaths.some((path) => request.routeOptions.url?.endsWith(path));
  return isOpen ? undefined : ["admin"];
}

function checkRights({ name, rights }: Principal, needed: Exclude<RouteRight, string>): void {
  if (needed.length === 0 || needed.some((right) => rights.has(right))) return;
  throw new RequestError(403, `forbidden: ${name} has no right to ${needed.join(" or ")} here`);
}

/** A browser is not asked for a name and password in a window of its own: the page has a form. */
function challenge(request: FastifyRequest, reply: FastifyReply): void {
  const { headers } = request;
  const isBrowser =
    headers["sec-fetch-site"] !== undefined || headers["user-agent"]?.startsWith("Mozilla/");
  const schemes = ['Bearer realm="skald"', 'Basic realm="skald", charset="UTF-8"'];
  reply.header("WWW-Authenticate", isBrowser ? schemes[0] : schemes.join(", "));
}

export function cookieOf(request: FastifyRequest): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [name = "", value = ""] = pair.split("=");
    if (name.trim() === sessionCookie) return value.trim();
  }
  return undefined;
}

function offeredToken(request: FastifyRequest): string | undefined {
  const offered = request.headers["sec-websocket-protocol"];
  if (offered === undefined || request.headers.upgrade === undefined) return undefined;
  const found = offered.split(",").find((name) => name.trim().startsWith(protocolPrefix));
  return found === undefined ? undefined : `Bearer ${found.trim().slice(protocolPrefix.length)}`;
}

/** The first protocol that is no token: what was offered as one is never sent back. */
export function chooseProtocol(offered: Iterable<string>): string | false {
  for (const name of offered) if (!name.startsWith(protocolPrefix)) return name;
  return false;
}

/** Deletes, changes of rules, calls for operators; and whoever was refused something. */
function audit(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, rule }: { readonly ports: HttpPorts; readonly rule: RouteAccess },
): void {
  const { right, acts } = rule;
  const isAdmin = typeof right !== "string" && right.includes("admin");
  const isRefused = reply.statusCode === 403;
  if (!acts && !(isAdmin && ports.access !== undefined) && !isRefused) return;
  const header = request.headers["x-scope-orgid"];
  const event = isRefused
    ? "refused"
    : isAdmin
      ? "admin"
      : right.includes("delete")
        ? "delete"
        : "rules";
  ports.audit?.record({
    event: event satisfies AuditEvent["event"],
    outcome: reply.statusCode < 400 ? "ok" : "failed",
    actor: identityOf(request)?.credential.name ?? "",
    tenant: String(header ?? onlyTenantOf(request) ?? ""),
    address: request.ip,
    method: request.method,
    // Without parameters: the query of a delete may name the very secret that is to go.
    path: (request.raw.url ?? "").split("?")[0] ?? "",
    status: reply.statusCode,
  });
}
