import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import {
  AttemptLimiter,
  type AuditEvent,
  Authenticator,
  hashToken,
  printSecretHash,
  Sessions,
  TokenBook,
} from "#access";
import { createMetrics } from "#telemetry";
import { ManualClock, SimulatedDisk, systemRandom } from "#world";
import { WebSocket } from "ws";
import { type AccessPort, type HttpPorts } from "./ports.ts";
import { startTestServer, type TestOptions, type TestServer } from "./server-for-tests.ts";

const tokenOf = (name: string): string => `skald_${name}_${"x".repeat(40)}`;

const credentials = [
  { name: "reader", tenants: ["t"], rights: ["read"] },
  { name: "writer", tenants: ["t"], rights: ["write"] },
  { name: "both", tenants: ["t", "u"], rights: ["read", "delete", "rules"] },
  { name: "all", tenants: "*", rights: ["read"] },
  { name: "admin", tenants: ["t"], rights: ["admin"] },
].map((row) => ({ ...row, token_hash: printSecretHash(hashToken(tokenOf(row.name))) }));

interface Guarded extends AsyncDisposable {
  readonly server: TestServer;
  readonly audited: readonly AuditEvent[];
  /** Status and text, asked with the token of that name. */
  ask(
    name: string | undefined,
    path: string,
    init?: RequestInit & { readonly tenant?: string },
  ): Promise<readonly [number, string]>;
}

async function start(
  options: TestOptions & { readonly openPaths?: readonly string[] } = {},
): Promise<Guarded> {
  const clock = new ManualClock({ nowMs: Date.UTC(2026, 0, 1) });
  const files = new SimulatedDisk();
  const metrics = createMetrics({ process: false });
  const log = { info: () => {}, error: () => {} };
  const path = "/tokens.yaml";
  {
    await using file = await files.open(path, { create: true, exclusive: false });
    await file.write([Buffer.from(JSON.stringify({ credentials }))], 0);
  }
  const world = { clock, files, random: systemRandom };
  const book = await TokenBook.open({ path, periodMs: 1000, ...world, log, metrics });
  const sessions = new Sessions({ book, ...world, lifetimeMs: 3_600_000 });
  const observer = { loginFailed: () => {}, loggedIn: () => {} };
  const attempts = new AttemptLimiter(clock);
  const access: AccessPort = {
    authenticator: new Authenticator({ book, sessions, attempts, ...world, metrics, observer }),
    sessions,
    openPaths: options.openPaths ?? ["/ready", "/metrics"],
    cookiePath: "/",
  };
  const audited: AuditEvent[] = [];
  const audit = { record: (event: AuditEvent) => void audited.push(event) };
  const { openPaths: _, ...rest } = options;
  const ports: Partial<HttpPorts> = { access, audit, ...options.ports };
  const server = await startTestServer({ ...rest, ports });
  return {
    server,
    audited,
    ask: async (name, to, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set("x-scope-orgid", init.tenant ?? "none");
      if (name !== undefined) headers.set("authorization", `Bearer ${tokenOf(name)}`);
      const { status, text } = await server.get(to, { ...init, headers });
      return [status, text.trim()];
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const labels = "/loki/api/v1/labels";
const emptyPush = {
  method: "POST",
  body: '{"streams":[]}',
  headers: { "content-type": "application/json" },
};

test("each right opens its routes and no other", async () => {
  await using guarded = await start();
  const cases: readonly (readonly [name: string | undefined, path: string, status: number])[] = [
    [undefined, labels, 401],
    ["reader", labels, 200],
    ["writer", labels, 403],
    ["admin", labels, 403],
    ["reader", "/config", 403],
    ["admin", "/config", 200],
    ["reader", "/flush", 403],
    ["admin", "/flush", 204],
    ["writer", "/ring", 403],
    [undefined, "/ready", 200],
    [undefined, "/metrics", 200],
    [undefined, "/loki/api/v1/status/buildinfo", 401],
    ["writer", "/loki/api/v1/status/buildinfo", 200],
    [undefined, "/nothing/here", 404],
  ];
  for (const [name, path, status] of cases) {
    assert.equal((await guarded.ask(name, path))[0], status, `${name} ${path}`);
  }
  const push = "/loki/api/v1/push";
  assert.equal((await guarded.ask("reader", push, emptyPush))[0], 403);
  assert.equal((await guarded.ask(undefined, push, emptyPush))[0], 401);
  assert.equal((await guarded.ask("writer", push, emptyPush))[0], 422);
});

test("probes can be closed, too", async () => {
  await using guarded = await start({ openPaths: ["/ready"] });
  assert.equal((await guarded.ask(undefined, "/ready"))[0], 200);
  assert.equal((await guarded.ask(undefined, "/metrics"))[0], 401);
  assert.equal((await guarded.ask("reader", "/metrics"))[0], 403);
  assert.equal((await guarded.ask("admin", "/metrics"))[0], 200);
});

test("the tenant is the credential's, or chosen among its own", async () => {
  await using guarded = await start();
  const cases: readonly (readonly [name: string, tenant: string, status: number, text: RegExp])[] =
    [
      ["reader", "none", 200, /success/],
      ["reader", "t", 200, /success/],
      ["reader", "u", 403, /^not allowed for tenant u$/],
      ["reader", "never-heard-of", 403, /^not allowed for tenant never-heard-of$/],
      ["reader", "t|u", 403, /^not allowed for tenant u$/],
      ["reader", "../..", 400, /unsupported character/],
      ["reader", "..", 400, /'.' or '..'/],
      ["reader", "x".repeat(151), 400, /too long/],
      ["both", "none", 401, /^no org id$/],
      ["both", "t|u", 200, /success/],
      ["both", "t|u|v", 403, /^not allowed for tenant v$/],
      ["all", "none", 401, /^no org id$/],
      ["all", "anything|else", 200, /success/],
    ];
  for (const [name, tenant, status, text] of cases) {
    const [gotStatus, gotText] = await guarded.ask(name, labels, { tenant });
    assert.deepEqual(
      [gotStatus, text.test(gotText)],
      [status, true],
      `${name} ${tenant} ${gotText}`,
    );
  }
});

test("with queries over several tenants off, rights to several change nothing", async () => {
  await using guarded = await start({ ports: { multiTenantQueriesEnabled: false } });
  const answer = await guarded.ask("both", labels, { tenant: "t|u" });
  assert.deepEqual(answer, [400, "multiple org IDs present"]);
});

test("a 401 says how to come back; a browser is not made to ask by itself", async () => {
  await using guarded = await start();
  const challenge = async (headers: Record<string, string>): Promise<string | null> =>
    (await guarded.server.get(labels, { headers })).headers.get("www-authenticate");
  assert.match((await challenge({})) ?? "", /^Bearer realm="skald", Basic realm="skald"/);
  assert.equal(await challenge({ "sec-fetch-site": "same-origin" }), 'Bearer realm="skald"');
});

async function login(guarded: Guarded, init: RequestInit = {}): Promise<Response> {
  return fetch(`${guarded.server.url}/skald/api/v1/login`, {
    method: "POST",
    body: JSON.stringify({ token: tokenOf("both") }),
    ...init,
    headers: { "content-type": "application/json", ...(init.headers as object) },
  });
}

test("logging in sets a cookie that scripts cannot read and other sites cannot send", async () => {
  await using guarded = await start();
  const answer = await login(guarded);
  assert.equal(answer.status, 200);
  const cookie = answer.headers.get("set-cookie") ?? "";
  assert.match(
    cookie,
    /^skald_session=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict$/,
  );
  const behindTls = await login(guarded, { headers: { "x-forwarded-proto": "https" } });
  assert.match(behindTls.headers.get("set-cookie") ?? "", /; Secure$/);
  const session = { cookie: cookie.split(";")[0] ?? "" };
  const shown = await guarded.server.get("/skald/api/v1/session", { headers: session });
  const { ends, ...told } = shown.json() as Record<string, unknown>;
  assert.equal(typeof ends, "string");
  assert.deepEqual(told, {
    auth_enabled: true,
    login_needed: true,
    signed_in: true,
    multi_tenant: true,
    name: "both",
    tenants: ["t", "u"],
    rights: ["read", "delete", "rules"],
    by: "session",
  });
  const mine = await guarded.server.get(labels, { headers: { ...session, "x-scope-orgid": "u" } });
  assert.deepEqual([mine.status, mine.headers.get("cache-control")], [200, "no-store"]);
  const out = { method: "POST", headers: session };
  assert.equal((await guarded.server.get("/skald/api/v1/logout", out)).status, 204);
  assert.equal((await guarded.server.get(labels, { headers: session })).status, 401);
  assert.deepEqual(
    guarded.audited.map(({ event, actor }) => [event, actor]),
    [
      ["login", "both"],
      ["login", "both"],
      ["logout", "both"],
    ],
  );
});

const elsewhere: readonly Record<string, string>[] = [
  { origin: "https://evil.example" },
  { origin: "null" },
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site", origin: "http://127.0.0.1:1" },
];

test("what another site asks counts as nobody's, and nobody is logged in or out by it", async () => {
  await using guarded = await start();
  const cookie = (await login(guarded)).headers.get("set-cookie")?.split(";")[0] ?? "";
  for (const headers of elsewhere) {
    const about = JSON.stringify(headers);
    const with_ = { ...headers, cookie, "x-scope-orgid": "t" };
    assert.equal((await guarded.server.get(labels, { headers: with_ })).status, 401, about);
    assert.equal((await login(guarded, { headers })).status, 403, about);
    const out = { method: "POST", headers: with_ };
    assert.equal((await guarded.server.get("/skald/api/v1/logout", out)).status, 403, about);
  }
  assert.equal((await guarded.server.get(labels, { headers: { cookie } })).status, 200);
});

test("without a token file, too, another site's page deletes and flushes nothing", async () => {
  await using server = await startTestServer({ ports: { authEnabled: false } });
  for (const headers of elsewhere) {
    for (const [path, method] of [
      ["/flush", "GET"],
      ["/log_level?log_level=debug", "POST"],
    ] as const) {
      assert.equal((await server.get(path, { method, headers })).status, 403, path);
    }
    assert.equal((await server.get(labels, { headers })).status, 200);
  }
  assert.deepEqual(server.flushed, []);
  const host = { origin: server.url };
  assert.equal((await server.get("/flush", { headers: host })).status, 204);
});

test("wrong logins are refused in every form", async () => {
  await using guarded = await start();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  assert.equal(
    (await login(guarded, { body: `token=${tokenOf("all")}`, headers: form })).status,
    200,
  );
  const bodies = [
    "",
    "{}",
    "[]",
    "null",
    "{",
    '{"token": 1}',
    '{"token": ""}',
    '{"password": "x"}',
  ];
  for (const body of bodies) assert.equal((await login(guarded, { body })).status, 400, body);
  assert.equal((await login(guarded, { body: '{"token": "x"}' })).status, 401);
  const long = JSON.stringify({ token: "x".repeat(20_000) });
  assert.equal((await login(guarded, { body: long })).status, 413);
  const injected = await login(guarded, { body: '{"token": "a\\r\\nSet-Cookie: b=c"}' });
  assert.deepEqual([injected.status, injected.headers.get("set-cookie")], [401, null]);
});

test("without a token file there is nothing to log in to, and the session says so", async () => {
  await using server = await startTestServer();
  const session = await server.get("/skald/api/v1/session");
  assert.deepEqual(session.json(), {
    auth_enabled: true,
    login_needed: false,
    signed_in: false,
    multi_tenant: true,
  });
  assert.equal((await server.get("/skald/api/v1/login", { method: "POST" })).status, 404);
});

/** The status of a refused handshake, or `open` with the protocol that was agreed on. */
async function tail(
  guarded: Guarded,
  protocols: string[],
  headers: Record<string, string> = {},
): Promise<string> {
  const path = `/loki/api/v1/tail?query=${encodeURIComponent('{app="t"}')}&tenant=t`;
  const url = guarded.server.url.replace("http", "ws") + path;
  const socket = new WebSocket(url, protocols, { headers });
  socket.on("error", () => {});
  const opened = once(socket, "open").then(() => `open ${socket.protocol}`.trim());
  const refused = once(socket, "unexpected-response").then(
    ([, answer]) => `${(answer as { statusCode: number }).statusCode}`,
  );
  const outcome = await Promise.race([opened, refused]);
  socket.terminate();
  return outcome;
}

test("a live tail takes header, offered protocol or cookie; the token is not sent back", async () => {
  await using guarded = await start();
  const { url } = guarded.server;
  const authorization = `Bearer ${tokenOf("both")}`;
  const offered = ["skald.tail", `skald.bearer.${tokenOf("both")}`];
  const cookie = (await login(guarded)).headers.get("set-cookie")?.split(";")[0] ?? "";
  assert.equal(await tail(guarded, [], { authorization, "x-scope-orgid": "t" }), "open");
  assert.equal(await tail(guarded, [], { authorization, "x-scope-orgid": "v" }), "403");
  assert.equal(await tail(guarded, offered, { origin: url }), "open skald.tail");
  assert.equal(await tail(guarded, ["skald.tail", "skald.bearer.no"], { origin: url }), "401");
  assert.equal(await tail(guarded, [], { cookie, origin: url }), "open");
  assert.equal(await tail(guarded, [], { cookie, origin: "http://evil.example" }), "401");
  assert.equal(await tail(guarded, [], { origin: url }), "401");
});

test("deletes, admin calls and refusals are written down, without their parameters", async () => {
  await using guarded = await start();
  await guarded.ask("admin", "/config?mode=diff");
  await guarded.ask("reader", "/flush?a=hunter2");
  await guarded.ask("reader", labels);
  await guarded.ask(undefined, "/config");
  assert.deepEqual(
    guarded.audited.map((event) => [event.event, event.outcome, event.actor, event.path]),
    [
      ["admin", "ok", "admin", "/config"],
      ["refused", "failed", "reader", "/flush"],
      ["admin", "failed", "", "/config"],
    ],
  );
});

test("pages of other origins read answers only when their origin is listed", async () => {
  await using server = await startTestServer({ allowedOrigins: ["https://ok.example"] });
  const preflight = { method: "OPTIONS", headers: { "access-control-request-method": "POST" } };
  const from = async (origin: string, init: RequestInit = {}) => {
    const headers = { ...(init.headers as object), origin };
    const answer = await server.get(labels, { ...init, headers });
    return [answer.status, answer.headers.get("access-control-allow-origin")];
  };
  assert.deepEqual(await from("https://ok.example", preflight), [204, "https://ok.example"]);
  assert.deepEqual(await from("https://ok.example"), [200, "https://ok.example"]);
  assert.deepEqual(await from("https://evil.example", preflight), [405, null]);
  assert.deepEqual(await from("https://evil.example"), [200, null]);
  await using plain = await startTestServer();
  const answer = await plain.get(labels, { headers: { origin: "https://ok.example" } });
  assert.equal(answer.headers.get("access-control-allow-origin"), null);
});
