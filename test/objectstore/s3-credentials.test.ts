import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { hour, isStoreError, minute } from "#base";
import { openS3ObjectStore, type S3ObjectStore, type S3ObjectStoreOptions } from "#objectstore";
import { type Clock, ManualClock, systemClock, systemFiles } from "#world";
import {
  s3Error,
  startTinyS3,
  stsAnswer,
  type TinyRequest,
  type TinyS3,
} from "../support/tiny-s3.ts";

/** Sets these variables and no others of AWS's; puts them back. */
function environment(variables: Readonly<Record<string, string>>): Disposable {
  const saved = { ...process.env };
  const clear = (): void => {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith("AWS_")) delete process.env[name];
    }
  };
  clear();
  Object.assign(process.env, { AWS_EC2_METADATA_DISABLED: "true", ...variables });
  return {
    [Symbol.dispose]: () => {
      clear();
      Object.assign(process.env, saved);
    },
  };
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "skald-credentials-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

function openOn(
  tiny: TinyS3,
  options: Partial<S3ObjectStoreOptions>,
  clock: Clock = systemClock,
): Promise<S3ObjectStore> {
  return openS3ObjectStore({
    files: systemFiles,
    clock,
    buckets: ["logs"],
    endpoint: tiny.endpoint,
    stsEndpoint: tiny.endpoint,
    region: "eu-west-1",
    forcePathStyle: true,
    ...options,
  });
}

function keyIdOf(request: TinyRequest | undefined): string | undefined {
  return /Credential=([^/]+)\//.exec(request?.headers.authorization ?? "")?.[1];
}

/** STS that gives keys named after the token; S3 that takes those of `valid` only. */
function exchangeTokens(
  tiny: TinyS3,
  options: { readonly valid: Set<string>; readonly endMs: () => number },
): { readonly exchanged: string[] } {
  const exchanged: string[] = [];
  tiny.misbehave = (request) => {
    if (request.path === "/" && request.method === "POST") {
      const form = new URLSearchParams(request.body.toString());
      const token = form.get("WebIdentityToken") ?? "";
      assert.equal(form.get("Action"), "AssumeRoleWithWebIdentity");
      assert.equal(form.get("RoleArn"), "arn:aws:iam::123456789012:role/logs");
      exchanged.push(token);
      if (!options.valid.has(token)) {
        const text = "<Code>ExpiredTokenException</Code><Message>Token expired</Message>";
        return { status: 400, body: `<ErrorResponse><Error>${text}</Error></ErrorResponse>` };
      }
      return stsAnswer("AssumeRoleWithWebIdentity", {
        accessKeyId: `ASIA${token}`,
        secretAccessKey: `secret-of-${token}`,
        sessionToken: `session-of-${token}`,
        endMs: options.endMs(),
      });
    }
    const token = keyIdOf(request)?.slice("ASIA".length) ?? "";
    if (options.valid.has(token)) return undefined;
    return s3Error(400, "ExpiredToken");
  };
  return { exchanged };
}

test("a web identity token that is rotated on disk is picked up", async () => {
  await using tiny = await startTinyS3();
  await using folder = await temporaryFolder();
  const file = join(folder.path, "token");
  await writeFile(file, "one");
  using _variables = environment({
    AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/logs",
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
  });
  const clock = new ManualClock({ nowMs: Date.now() });
  const valid = new Set(["one"]);
  const { exchanged } = exchangeTokens(tiny, { valid, endMs: () => clock.nowMs() + hour });
  const store = await openOn(tiny, {}, clock);
  await Promise.all(["a", "b", "c"].map((key) => store.put(key, Buffer.from(key))));
  assert.deepEqual(exchanged, ["one"], "one exchange serves all");
  assert.equal(tiny.requests.at(-1)!.headers["x-amz-security-token"], "session-of-one");
  // Rotated, and the old one still good: exchanged shortly before the hour is over.
  await writeFile(file, "two");
  valid.add("two");
  clock.advance(54 * minute);
  await store.get("a");
  assert.deepEqual(exchanged, ["one"]);
  clock.advance(2 * minute);
  await store.get("a");
  assert.deepEqual(exchanged, ["one", "two"]);
  assert.equal(keyIdOf(tiny.requests.at(-1)), "ASIAtwo");
  // Rotated and the old one revoked: the first refusal makes us look again.
  await writeFile(file, "three");
  valid.clear();
  valid.add("three");
  await store.get("a");
  assert.equal(keyIdOf(tiny.requests.at(-1)), "ASIAthree");
  // Renewal fails for a while: what we have is used until its end.
  valid.add("three");
  await writeFile(file, "four");
  clock.advance(57 * minute);
  assert.equal((await store.get("a")).toString(), "a");
  assert.equal(exchanged.at(-1), "four");
  clock.advance(4 * minute);
  await assert.rejects(store.get("a"), (error) => {
    assert.ok(isStoreError(error, "denied"));
    assert.match(error.message, /credentials for S3 cannot be had \(ExpiredTokenException\)/);
    return true;
  });
});

test("STS that is down is no reason to give up for good", async () => {
  await using tiny = await startTinyS3();
  await using folder = await temporaryFolder();
  const file = join(folder.path, "token");
  await writeFile(file, "one");
  using _variables = environment({
    AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/logs",
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
  });
  const store = await openOn(tiny, { stsEndpoint: "http://127.0.0.1:1" });
  await assert.rejects(store.head("a"), (error) => isStoreError(error, "unavailable"));
});

test("no credentials at all are told with what to do", async () => {
  await using tiny = await startTinyS3();
  using _variables = environment({
    AWS_SHARED_CREDENTIALS_FILE: "/nowhere/credentials",
    AWS_CONFIG_FILE: "/nowhere/config",
  });
  const store = await openOn(tiny, {});
  await assert.rejects(store.get("a"), (error) => {
    assert.ok(isStoreError(error, "denied"), String(error));
    assert.match(error.message, /no credentials for S3 were found: set access_key_id/);
    return true;
  });
});

test("keys come from the environment, or a profile of the shared files, read again", async () => {
  await using tiny = await startTinyS3();
  await using folder = await temporaryFolder();
  const shared = join(folder.path, "credentials");
  const profile = (keyId: string): string =>
    `[default]\naws_access_key_id=AKIDDEFAULT\naws_secret_access_key=x\n` +
    `[logs]\naws_access_key_id=${keyId}\naws_secret_access_key=x\n`;
  await writeFile(shared, profile("AKIDONE"));
  const files = { AWS_SHARED_CREDENTIALS_FILE: shared, AWS_CONFIG_FILE: "/nowhere/config" };
  const clock = new ManualClock({ nowMs: Date.now() });
  const usedKey = async (store: S3ObjectStore): Promise<string | undefined> => {
    await store.head("a");
    return keyIdOf(tiny.requests.at(-1));
  };
  {
    using _variables = environment(files);
    assert.equal(await usedKey(await openOn(tiny, {}, clock)), "AKIDDEFAULT");
    const store = await openOn(tiny, { profile: "logs" }, clock);
    assert.equal(await usedKey(store), "AKIDONE");
    await writeFile(shared, profile("AKIDTWO"));
    clock.advance(6 * minute);
    assert.equal(await usedKey(store), "AKIDTWO");
  }
  using _variables = environment({
    ...files,
    AWS_ACCESS_KEY_ID: "AKIDENV",
    AWS_SECRET_ACCESS_KEY: "x",
  });
  assert.equal(await usedKey(await openOn(tiny, {})), "AKIDENV");
});

test("a role is taken on with the keys there are", async () => {
  await using tiny = await startTinyS3();
  using _variables = environment({});
  const endMs = Date.now() + hour;
  tiny.misbehave = (request) => {
    if (request.path !== "/") return undefined;
    const form = new URLSearchParams(request.body.toString());
    assert.equal(form.get("Action"), "AssumeRole");
    assert.equal(form.get("RoleArn"), "arn:aws:iam::1:role/r");
    assert.equal(form.get("ExternalId"), "outside");
    assert.equal(keyIdOf(request), "AKIDBASE");
    const keys = { accessKeyId: "ASIAROLE", secretAccessKey: "s", sessionToken: "t", endMs };
    return stsAnswer("AssumeRole", keys);
  };
  const store = await openOn(tiny, {
    keys: { accessKeyId: "AKIDBASE", secretAccessKey: "base" },
    role: { arn: "arn:aws:iam::1:role/r", externalId: "outside" },
  });
  await store.put("a", Buffer.from("x"));
  assert.equal(keyIdOf(tiny.requests.at(-1)), "ASIAROLE");
});

test("a wrong clock is put right by what the server says", async () => {
  await using tiny = await startTinyS3();
  const serverMs = Date.now() + hour;
  tiny.misbehave = ({ headers }) => {
    const text = String(headers["x-amz-date"]).replace(
      /(....)(..)(..)T(..)(..)(..)Z/,
      "$1-$2-$3T$4:$5:$6Z",
    );
    const headersOfAnswer = { date: new Date(serverMs).toUTCString() };
    const isNear = Math.abs(Date.parse(text) - serverMs) < 15 * minute;
    const answer = isNear ? { status: 200 } : s3Error(403, "RequestTimeTooSkewed");
    return { ...answer, headers: headersOfAnswer };
  };
  const store = await openOn(tiny, { keys: { accessKeyId: "A", secretAccessKey: "B" } });
  await store.put("a", Buffer.from("x"));
  assert.equal(tiny.requests.length, 2);
  await store.put("b", Buffer.from("x"));
  assert.equal(tiny.requests.length, 3);
});
