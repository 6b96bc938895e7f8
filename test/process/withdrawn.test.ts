/** What goes on for long ends with what let it in: a credential taken out of the file, a right, a tenant, a login. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { hashToken, printSecretHash } from "#access";
import { WebSocket } from "ws";
import { type SkaldProcess, startSkald, temporaryFolder } from "../support/skald-process.ts";

interface Row {
  readonly name: string;
  readonly tenants?: readonly string[] | "*";
  readonly rights?: readonly string[];
  readonly expires?: string;
}

const tokenOf = (name: string): string => `skald_${name}_${"x".repeat(40)}`;
/** Two looks at the file, one at the requests, and a machine that has other things to do. */
const withinMs = 8_000;

class Running implements AsyncDisposable {
  readonly skald: SkaldProcess;
  readonly #tokens: string;
  readonly #audit: string;

  private constructor(skald: SkaldProcess, tokens: string, audit: string) {
    this.skald = skald;
    this.#tokens = tokens;
    this.#audit = audit;
  }

  static async start(rows: readonly Row[]): Promise<Running> {
    const folder = temporaryFolder();
    const [tokens, audit] = [join(folder, "tokens.json"), join(folder, "audit.log")];
    const config = `
auth_enabled: true
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, http_listen_address: 127.0.0.1}
common: {path_prefix: "\${DATA}"}
limits_config: {ingestion_rate_mb: 1000, ingestion_burst_size_mb: 1000,
  per_stream_rate_limit: 1GB, per_stream_rate_limit_burst: 1GB}
skald: {token_file: "${tokens}", token_file_period: 100ms, audit_file: "${audit}"}
`;
    write(tokens, rows);
    return new Running(await startSkald({ config, folder }), tokens, audit);
  }

  /** From now on the file has these. */
  credentials(rows: readonly Row[]): void {
    write(this.#tokens, rows);
  }

  get audited(): string {
    return existsSync(this.#audit) ? readFileSync(this.#audit, "utf8") : "";
  }

  async push(name: string, lines: readonly string[]): Promise<void> {
    const nowMs = Date.now();
    const values = lines.map((line, i) => [`${nowMs}${String(i).padStart(6, "0")}`, line]);
    const answer = await fetch(`${this.skald.url}/loki/api/v1/push`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${tokenOf(name)}` },
      body: JSON.stringify({ streams: [{ stream: { app: "x" }, values }] }),
    });
    assert.equal(answer.status, 204, await answer.text());
  }

  async tail(headers: Record<string, string>): Promise<Tail> {
    const path = `/loki/api/v1/tail?query=${encodeURIComponent('{app="x"}')}`;
    const tail = new Tail(new WebSocket(this.skald.url.replace("http", "ws") + path, { headers }));
    await once(tail.socket, "open");
    return tail;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.skald[Symbol.asyncDispose]();
  }
}

function write(path: string, rows: readonly Row[]): void {
  const credentials = rows.map((row) => ({
    tenants: ["a"],
    rights: ["read", "write"],
    ...row,
    token_hash: printSecretHash(hashToken(tokenOf(row.name))),
  }));
  writeFileSync(path, JSON.stringify({ credentials }));
}

class Tail {
  readonly socket: WebSocket;
  text = "";
  closed: string | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => (this.text += data.toString()));
    socket.on("close", (code, reason) => (this.closed = `${code} ${reason.toString()}`));
  }
}

const bearer = (name: string): Record<string, string> => ({
  authorization: `Bearer ${tokenOf(name)}`,
});

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!holds()) {
    assert.ok(performance.now() < deadlineMs, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test("a live tail ends when its credential, right, tenant or time has gone, and no other", async () => {
  const stays: Row = { name: "stays" };
  const rows: readonly Row[] = [
    stays,
    { name: "gone" },
    { name: "weaker" },
    { name: "elsewhere", tenants: "*" },
    { name: "short", expires: new Date(Date.now() + 3000).toISOString() },
  ];
  await using running = await Running.start(rows);
  const names = rows.map(({ name }) => name);
  const tails = await Promise.all(
    names.map((name) => running.tail({ ...bearer(name), "x-scope-orgid": "a" })),
  );
  await running.push("stays", ["one"]);
  await until("all see it", () => tails.every(({ text }) => text.includes("one")));
  running.credentials([
    { ...stays, rights: ["read", "write", "delete"] },
    { name: "weaker", rights: ["write"] },
    { name: "elsewhere", tenants: ["b"] },
    rows[4]!,
  ]);
  await until("they end", () => tails.slice(1).every(({ closed }) => closed !== undefined));
  assert.deepEqual(
    tails.map(({ closed }) => closed),
    [
      undefined,
      "1008 the credential is not valid any more",
      "1008 the credential has no right to read any more",
      "1008 the credential is not for tenant a any more",
      "1008 the credential is not valid any more",
    ],
  );
  await running.push("stays", ["two"]);
  await until("who stays sees it", () => tails[0]!.text.includes("two"));
  assert.ok(tails.slice(1).every(({ text }) => !text.includes("two")));
  tails[0]!.socket.terminate();
  for (const name of ["gone", "weaker", "elsewhere", "short"]) {
    const line = `"event":"withdrawn","outcome":"ok","actor":"${name}","tenant":"a"`;
    assert.ok(running.audited.includes(line), running.audited);
  }
  assert.match(running.skald.output(), /not allowed any more.*actor=gone/);
  assert.doesNotMatch(running.audited + running.skald.output(), /skald_gone_/);
});

test("an export ends with a word when its credential has gone; its client need not read on", async () => {
  await using running = await Running.start([{ name: "stays" }, { name: "gone" }]);
  const line = "y".repeat(5000);
  for (let i = 0; i < 6; i++) {
    await running.push(
      "stays",
      Array.from({ length: 500 }, (_, n) => `${i} ${n} ${line}`),
    );
  }
  const socket = connect(Number(new URL(running.skald.url).port), "127.0.0.1");
  let text = "";
  let isReading = false;
  socket.on("data", (data: Buffer) => {
    text += data.toString("latin1");
    // At once: all of it comes in less time than it takes to look again.
    if (!isReading) socket.pause();
  });
  const query = encodeURIComponent('{app="x"}');
  socket.write(
    `GET /skald/api/v1/export?query=${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
      `Authorization: Bearer ${tokenOf("gone")}\r\n\r\n`,
  );
  await until("it begins", () => text.length > 0);
  running.credentials([{ name: "stays" }]);
  await until("it is ended", () => running.audited.includes('"withdrawn"'));
  isReading = true;
  socket.resume();
  await once(socket, "end");
  assert.match(text, /\{"error":"the credential is not valid any more"\}/);
  assert.ok(text.length < 3000 * line.length, `${text.length} characters came`);
});

test("a tail of the page ends with its login", async () => {
  await using running = await Running.start([{ name: "anna" }]);
  const { url } = running.skald;
  const own = { Origin: url, "Sec-Fetch-Site": "same-origin" };
  const login = await fetch(`${url}/skald/api/v1/login`, {
    method: "POST",
    headers: { ...own, "Content-Type": "application/json" },
    body: JSON.stringify({ token: tokenOf("anna") }),
  });
  const cookie = (login.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  assert.equal(login.status, 200, await login.text());
  const tail = await running.tail({ ...own, Cookie: cookie });
  await running.push("anna", ["one"]);
  await until("it is seen", () => tail.text.includes("one"));
  const headers = { ...own, Cookie: cookie };
  const logout = await fetch(`${url}/skald/api/v1/logout`, { method: "POST", headers });
  assert.ok(logout.ok);
  await until("it ends", () => tail.closed !== undefined);
  assert.equal(tail.closed, "1008 the credential is not valid any more");
});
