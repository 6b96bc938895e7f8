import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { createMetrics } from "#telemetry";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import { AttemptLimiter } from "./attempt-limiter.ts";
import { Authenticator } from "./authenticator.ts";
import { hashPassword, hashToken, printSecretHash } from "./secret-hash.ts";
import { Sessions } from "./sessions.ts";
import { TokenBook } from "./token-book.ts";

const token = "skald_a-token-for-tests-that-is-long-enough";
const path = "/etc/tokens.yaml";
const password = printSecretHash(await hashPassword("correct horse", seededRandom(7)));

const rows = [
  {
    name: "robot",
    token_hash: printSecretHash(hashToken(token)),
    tenants: ["a"],
    rights: ["write"],
  },
  { name: "anna", password_hash: password, tenants: ["a", "b"], rights: ["read"] },
  { name: "cert", client_certificate: { common_name: "ops" }, tenants: "*", rights: ["admin"] },
];

async function write(disk: SimulatedDisk, text: string): Promise<void> {
  await disk.makeFolder("/etc");
  await disk.remove(path);
  await using file = await disk.open(path, { create: true, exclusive: false });
  await file.write([Buffer.from(text)], 0);
}

async function start() {
  const clock = new ManualClock({ nowMs: Date.UTC(2026, 0, 1) });
  const disk = new SimulatedDisk();
  const metrics = createMetrics({ process: false });
  const random = seededRandom(1);
  const logged: string[] = [];
  const log = {
    info: (event: string) => void logged.push(event),
    error: (event: string) => void logged.push(event),
  };
  await write(disk, JSON.stringify({ credentials: rows }));
  const options = { path, periodMs: 1000, files: disk, clock, random, log, metrics };
  const book = await TokenBook.open(options);
  const sessions = new Sessions({ book, clock, random, lifetimeMs: 60_000 });
  const seen: string[] = [];
  const authenticator = new Authenticator({
    book,
    sessions,
    attempts: new AttemptLimiter(clock),
    clock,
    random,
    metrics,
    observer: {
      loginFailed: ({ name, reason }) => void seen.push(`failed ${name}: ${reason}`),
      loggedIn: ({ name }) => void seen.push(`ok ${name}`),
    },
  });
  const ask = async (authorization: string, address = "192.0.2.1"): Promise<string> => {
    try {
      const identity = await authenticator.identify({ authorization, address });
      return `${identity?.credential.name} by ${identity?.by}`;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return String(error.status);
    }
  };
  return { clock, disk, metrics, book, sessions, authenticator, ask, seen, logged };
}

function basic(name: string, secret: string): string {
  return `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
}

test("tokens and passwords are known, also in unusual spelling", async () => {
  const { ask } = await start();
  const cases = [
    [`Bearer ${token}`, "robot by token"],
    [`bearer   ${token} `, "robot by token"],
    [basic("robot", token), "robot by token"],
    [basic("anna", "correct horse"), "anna by password"],
    [basic("anna", token), "401"],
    [basic("anna", ""), "401"],
    [basic("nobody", "correct horse"), "401"],
    [basic("__proto__", "x"), "401"],
    [`Bearer ${token}x`, "401"],
    [`Bearer ${token} more`, "401"],
    ["Bearer", "401"],
    [`Digest ${token}`, "401"],
    ["Basic !!!", "401"],
  ] as const;
  for (const [index, [header, want]] of cases.entries()) {
    assert.equal(await ask(header, `192.0.2.${index}`), want, header);
  }
  assert.equal(await ask(`Bearer ${"x".repeat(900_000)}`), "401");
});

test("who fails often waits, others and tokens do not; waiting ends", async () => {
  const { ask, clock, seen, metrics } = await start();
  const tries = Array.from({ length: 25 }, (_, i) => ask(basic("anna", `guess ${i}`)));
  const answers = await Promise.all(tries);
  assert.deepEqual([answers.filter((one) => one === "401").length, answers.at(-1)], [10, "429"]);
  assert.equal(seen.length, 10);
  assert.equal(await ask(basic("anna", "correct horse")), "429");
  assert.equal(await ask(`Bearer ${token}`), "robot by token");
  assert.equal(await ask(basic("anna", "correct horse"), "192.0.2.2"), "anna by password");
  // What was verified is known from anywhere.
  assert.equal(await ask(basic("anna", "correct horse")), "anna by password");
  clock.advance(6_000);
  assert.equal(await ask(basic("anna", "one more guess")), "401");
  assert.equal(await ask(basic("anna", "and another")), "429");
  assert.match(await metrics.text(), /skald_login_failures_total\{reason="blocked"\} 17/);
});

test("addresses of one IPv6 network are one, as are both forms of an IPv4 address", async () => {
  const { clock } = await start();
  const attempts = new AttemptLimiter(clock);
  for (let i = 0; i < 10; i++) {
    attempts.failed(`2001:db8:0:1::${i}`);
    attempts.failed("::ffff:192.0.2.9");
  }
  const blocked = ["2001:db8::1:ffff:0:0:1", "2001:DB8:0:1::", "192.0.2.9"];
  for (const address of blocked) assert.ok(attempts.waitSeconds(address) > 0, address);
  for (const address of ["2001:db8:0:2::1", "::1", "192.0.2.8"]) {
    assert.equal(attempts.waitSeconds(address), 0, address);
  }
});

test("the same password many times at once is one try", async () => {
  const { ask, seen } = await start();
  const header = basic("anna", "correct horse");
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(header)));
  assert.deepEqual(new Set(answers), new Set(["anna by password"]));
  assert.deepEqual(seen, ["ok anna"]);
});

test("a changed file holds at once; a wrong or missing one changes nothing and is told once", async () => {
  const { ask, book, disk, logged, metrics } = await start();
  assert.equal(await ask(basic("anna", "correct horse")), "anna by password");
  await write(disk, JSON.stringify({ credentials: rows.slice(0, 1) }));
  await book.reload();
  assert.equal(await ask(basic("anna", "correct horse")), "401");
  await write(disk, "credentials: [");
  await book.reload();
  await book.reload();
  assert.equal(await ask(`Bearer ${token}`), "robot by token");
  await disk.remove(path);
  await book.reload();
  await book.reload();
  assert.equal(await ask(`Bearer ${token}`), "robot by token");
  assert.match(await metrics.text(), /skald_token_file_ok 0/);
  await write(disk, JSON.stringify({ credentials: rows }));
  await book.reload();
  assert.equal(await ask(basic("anna", "correct horse")), "anna by password");
  assert.deepEqual(logged, [
    "token file read",
    "token file is wrong, the credentials of before hold",
    "token file read",
  ]);
});

test("a credential that is over is not known any more", async () => {
  const { ask, book, disk, clock } = await start();
  const expires = new Date(clock.nowMs() + 1000).toISOString();
  await write(disk, JSON.stringify({ credentials: [{ ...rows[0], expires }] }));
  await book.reload();
  assert.equal(await ask(`Bearer ${token}`), "robot by token");
  clock.advance(1000);
  assert.equal(await ask(`Bearer ${token}`), "401");
});

test("a session is its credential until it ends, is ended, or the secret changes", async () => {
  const { authenticator, sessions, book, disk, clock } = await start();
  const anna = book.named("anna")!;
  const known = async (session: string): Promise<string | undefined> => {
    const claim = { authorization: undefined, session, address: "192.0.2.1" };
    return (await authenticator.identify(claim))?.credential.name;
  };
  const [first, second, third] = [sessions.begin(anna), sessions.begin(anna), sessions.begin(anna)];
  assert.notEqual(first, second);
  assert.equal(await known(first), "anna");
  assert.equal(await known(`${first}x`), undefined);
  assert.equal(await known(""), undefined);
  sessions.end(first);
  assert.equal(await known(first), undefined);
  const other = printSecretHash(await hashPassword("changed", seededRandom(9)));
  const rights = [{ ...rows[1], rights: ["read", "delete"] }];
  await write(disk, JSON.stringify({ credentials: rights }));
  await book.reload();
  assert.equal(sessions.credentialOf(second)?.rights.has("delete"), true);
  await write(disk, JSON.stringify({ credentials: [{ ...rows[1], password_hash: other }] }));
  await book.reload();
  assert.equal(await known(second), undefined);
  await write(disk, JSON.stringify({ credentials: rows }));
  await book.reload();
  clock.advance(60_000);
  assert.equal(await known(third), undefined);
});

test("one person's sessions are bounded: the oldest end", async () => {
  const { sessions, book } = await start();
  const anna = book.named("anna")!;
  const ids = Array.from({ length: 101 }, () => sessions.begin(anna));
  assert.equal(sessions.credentialOf(ids[0]!), undefined);
  assert.equal(sessions.credentialOf(ids[1]!)?.name, "anna");
});

test("a certificate is a credential when the whole pattern fits", async () => {
  const { authenticator } = await start();
  const known = async (commonName: string): Promise<string | undefined> => {
    const certificate = { commonName, alternativeNames: "", fingerprint: "ab".repeat(32) };
    const claim = { authorization: undefined, certificate, address: "" };
    return (await authenticator.identify(claim))?.credential.name;
  };
  assert.equal(await known("ops"), "cert");
  assert.equal(await known("ops2"), undefined);
  assert.equal(await known(""), undefined);
});

test("a file that is missing or wrong at the start is refused, without its content", async () => {
  const { disk, clock, metrics } = await start();
  const log = { info: () => {}, error: () => {} };
  const random = seededRandom(1);
  const options = { periodMs: 1, files: disk, clock, random, log, metrics };
  await assert.rejects(TokenBook.open({ ...options, path: "/etc/none" }), /none/);
  await write(disk, `{"credentials": [{"name": "x", "secret": "hunter2"}]}`);
  await assert.rejects(TokenBook.open({ ...options, path }), (error: Error) => {
    assert.match(error.message, /tokens\.yaml.*there is no key/);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
});
