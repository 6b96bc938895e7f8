import { KiB, RequestError } from "#base";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { contentTypeOf } from "./content-type.ts";
import { cookieOf, identityOf, sessionCookie } from "./guard-access.ts";
import { isFromElsewhere } from "./own-page.ts";
import type { AccessPort, HttpPorts } from "./ports.ts";
import { route } from "./routing.ts";

const loginBytesMax: number = 16 * KiB;
const noOrigins: ReadonlySet<string> = new Set();

/**
 * Logging in on the page. `POST login` takes `{"token": …}` or `{"name": …, "password": …}`, as
 * JSON or as a form, and sets a cookie that scripts cannot read; `POST logout` ends that session;
 * `GET session` says who asks, for which tenants and with which rights. Not in Loki.
 */
export function sessionRoutes(app: FastifyInstance, ports: HttpPorts): void {
  const options = { kind: "admin", bodyBytesMax: loginBytesMax } as const;
  route(
    app,
    ["GET"],
    "/skald/api/v1/session",
    async (request, reply) => tell(request, reply, ports),
    options,
  );
  route(
    app,
    ["POST"],
    "/skald/api/v1/login",
    async (request, reply) => login(request, reply, ports),
    options,
  );
  route(
    app,
    ["POST"],
    "/skald/api/v1/logout",
    async (request, reply) => logout(request, reply, ports),
    options,
  );
}

function tell(request: FastifyRequest, reply: FastifyReply, ports: HttpPorts): FastifyReply {
  const identity = identityOf(request);
  const credential = identity?.credential;
  const id = cookieOf(request);
  const isSession = identity?.by === "session" && id !== undefined;
  const endsMs = isSession ? ports.access?.sessions.endOf(id) : undefined;
  return sendSession(reply, {
    auth_enabled: ports.authEnabled,
    /** Without it nothing but this answer is to be had. */
    login_needed: ports.access !== undefined,
    signed_in: credential !== undefined,
    multi_tenant: ports.multiTenantQueriesEnabled,
    ...(credential === undefined
      ? {}
      : {
          name: credential.name,
          tenants: credential.tenants,
          rights: [...credential.rights],
          by: identity?.by,
        }),
    ...(endsMs === undefined ? {} : { ends: new Date(endsMs).toISOString() }),
  });
}

async function login(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const { access } = ports;
  if (access === undefined) throw new RequestError(404, "there is nothing to log in to");
  checkOwnPage(request);
  const authorization = authorizationOf(request);
  const claim = { authorization, address: request.ip, isLogin: true } as const;
  const identity = await access.authenticator.identify(claim);
  if (identity === undefined) throw new RequestError(401, "unauthorized: no token");
  const { credential } = identity;
  const before = cookieOf(request);
  if (before !== undefined) access.sessions.end(before);
  const id = access.sessions.begin(credential);
  const maxAgeSeconds = Math.floor(access.sessions.lifetimeMs / 1000);
  record(ports, request, { event: "login", actor: credential.name });
  setCookie(reply, { request, access, value: id, maxAgeSeconds });
  return sendSession(reply, {
    auth_enabled: ports.authEnabled,
    login_needed: true,
    signed_in: true,
    multi_tenant: ports.multiTenantQueriesEnabled,
    name: credential.name,
    tenants: credential.tenants,
    rights: [...credential.rights],
    by: "session",
  });
}

function logout(request: FastifyRequest, reply: FastifyReply, ports: HttpPorts): FastifyReply {
  const { access } = ports;
  checkOwnPage(request);
  const id = cookieOf(request);
  if (access !== undefined && id !== undefined) {
    const actor = access.sessions.credentialOf(id)?.name;
    access.sessions.end(id);
    if (actor !== undefined) record(ports, request, { event: "logout", actor });
    setCookie(reply, { request, access, value: "", maxAgeSeconds: 0 });
  }
  return reply.code(204).send();
}

/** Nobody logs people in or out but themselves: no other site's form gets here. */
function checkOwnPage({ headers }: FastifyRequest): void {
  if (isFromElsewhere(headers, noOrigins)) {
    throw new RequestError(403, "refused: asked by another site");
  }
}

function authorizationOf(request: FastifyRequest): string {
  const { token = "", name = "", password = "" } = fieldsOf(request);
  if (token !== "") return `Bearer ${token}`;
  if (name === "") throw new RequestError(400, "expected a token, or a name and a password");
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

function fieldsOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const text = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
  if (contentTypeOf(request)?.startsWith("application/json") !== true) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    const value: unknown = JSON.parse(text);
    const fields = typeof value === "object" && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(fields.filter((field) => typeof field[1] === "string"));
  } catch {
    throw new RequestError(400, "the body is not JSON");
  }
}

function setCookie(
  reply: FastifyReply,
  cookie: {
    readonly request: FastifyRequest;
    readonly access: AccessPort;
    readonly value: string;
    readonly maxAgeSeconds: number;
  },
): void {
  const { request, access, value, maxAgeSeconds } = cookie;
  const isTls = request.protocol === "https" || request.headers["x-forwarded-proto"] === "https";
  const parts = [
    `${sessionCookie}=${value}`,
    `Path=${access.cookiePath}`,
    `Max-Age=${maxAgeSeconds}`,
    "HttpOnly",
    "SameSite=Strict",
    ...(isTls ? ["Secure"] : []),
  ];
  reply.header("Set-Cookie", parts.join("; "));
}

function record(
  ports: HttpPorts,
  request: FastifyRequest,
  { event, actor }: { readonly event: "login" | "logout"; readonly actor: string },
): void {
  ports.audit?.record({ event, outcome: "ok", actor, address: request.ip });
}

function sendSession(reply: FastifyReply, session: unknown): FastifyReply {
  return reply
    .header("Content-Type", "application/json")
    .header("Cache-Control", "no-store")
    .send(`${JSON.stringify(session)}\n`);
}
