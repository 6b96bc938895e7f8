import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import test from "node:test";
import { inspect } from "node:util";
import { isStoreError, KiB, MiB, type StoreErrorKind } from "#base";
import {
  type GcsObjectStoreOptions,
  type ObjectStore,
  openGcsObjectStore,
  ThrottledError,
} from "#objectstore";
import { systemClock, systemFiles } from "#world";
import { listed, objectStoreContract } from "../../src/objectstore/object-store.contract.ts";
import { refusal, startTinyGcs, type TinyGcsAnswer } from "../support/tiny-gcs.ts";

function openOn(endpoint: string, options?: Partial<GcsObjectStoreOptions>): Promise<ObjectStore> {
  return openGcsObjectStore({
    clock: systemClock,
    files: systemFiles,
    bucket: "logs",
    endpoint,
    ...options,
  });
}

const settings: readonly (readonly [string, Partial<GcsObjectStoreOptions>, number])[] = [
  ["gcs", {}, 1000],
  ["gcs with everything in parts, listed in pages of 3", { resumableAboveBytes: 0 }, 3],
];
for (const [name, options, pageKeysMax] of settings) {
  objectStoreContract(name, async () => {
    const server = await startTinyGcs();
    server.pageKeysMax = pageKeysMax;
    const store = await openOn(server.endpoint, options);
    return { store, close: () => server[Symbol.asyncDispose]() };
  });
}

test("every character that a key may have is kept", async () => {
  await using server = await startTinyGcs();
  const store = await openOn(server.endpoint);
  const keys = ["fake/1a/18d0:18d1:ff", "a+b=c&d?e#f%20/100%25/%zz", "a  b/ /c ", "x/..a/%2F"];
  for (let code = 0x20; code < 0x7f; code++) {
    const character = String.fromCharCode(code);
    if (character !== "/") keys.push(`<${character}>`, `${character}x`);
  }
  for (const key of keys) {
    await store.put(key, Buffer.from(key));
    assert.equal((await store.get(key)).toString(), key);
    assert.equal((await store.head(key))?.sizeBytes, key.length, key);
  }
  assert.deepEqual([...server.objects.keys()].sort(), keys.toSorted());
  assert.deepEqual(
    (await listed(store.list(""))).map((info) => info.key),
    keys.toSorted(),
  );
});

test("a large body goes in parts, even when the server takes less than it is sent", async () => {
  await using server = await startTinyGcs();
  const store = await openOn(server.endpoint, { partBytes: MiB - 1 });
  const body = randomBytes(17 * MiB + 17);
  await store.put("large", [body.subarray(0, 5), body.subarray(5)]);
  assert.equal(server.requests.filter((request) => request.startsWith("PUT")).length, 18);
  assert.ok(body.equals(await store.get("large")));
  server.takesBytesMax = 256 * KiB;
  await store.put("slow", body);
  assert.ok(body.equals(server.objects.get("slow")!.body));
  assert.equal(server.uploads.size, 0);
});

test("an upload that fails is given up, and nothing is there", async () => {
  await using server = await startTinyGcs();
  const store = await openOn(server.endpoint, { resumableAboveBytes: 0, partBytes: 256 * KiB });
  let puts = 0;
  server.misbehave = ({ method }) =>
    method === "PUT" && ++puts === 3 ? refusal(500, "oh", "backend") : undefined;
  await fails(store.put("k", Buffer.alloc(MiB)), "unavailable", /Google failed \(500 backend\)/);
  assert.equal(await store.head("k"), undefined);
  assert.equal(server.uploads.size, 0);
  server.misbehave = ({ method }) => (method === "PUT" ? refusal(410, "gone") : undefined);
  await fails(store.put("k", Buffer.alloc(MiB)), "unavailable", /has forgotten the upload/);
});

const secret = "ya29.a-ToKeN_0123456789";

/** Fails so, in these words, without a secret anywhere in it. */
async function fails(
  call: Promise<unknown>,
  kind: StoreErrorKind,
  words: RegExp,
  secrets: readonly string[] = [],
): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isStoreError(error, kind), String(error));
    assert.match(error.message, words);
    const all = `${inspect(error, { depth: 10 })} ${JSON.stringify(error)}`;
    for (const hidden of [secret, ...secrets]) assert.ok(!all.includes(hidden), all);
    return true;
  });
}

const answers: readonly (readonly [string, TinyGcsAnswer, StoreErrorKind, RegExp])[] = [
  ["wrong credentials", refusal(401, `not ${secret}`, "authError"), "denied", /service_account/],
  ["no rights", refusal(403, "x lacks storage.objects.get", "forbidden"), "denied", /objectUser/],
  ["too many requests", refusal(429, "slow", "rateLimitExceeded"), "unavailable", /fewer requests/],
  ["the same as 403", refusal(403, "slow", "userRateLimitExceeded"), "unavailable", /fewer/],
  ["a quota", refusal(403, "full", "quotaExceeded"), "full", /no room/],
  ["Google's own failure", refusal(500, "oh", "internalError"), "unavailable", /Google failed/],
  ["a bad request", refusal(400, "oh"), "denied", /refuses the request \(400 invalid\): oh/],
  [
    "an answer that breaks off",
    { status: 200, body: "abc", isCut: true },
    "unavailable",
    /gcs get/,
  ],
];
for (const [name, answer, kind, words] of answers) {
  test(`${name}: ${kind}`, async () => {
    await using server = await startTinyGcs();
    const store = await openOn(server.endpoint);
    server.misbehave = () => answer;
    await fails(store.get("k"), kind, words);
  });
}

test("Retry-After is heeded, an unknown answer and a missing bucket are named", async () => {
  await using server = await startTinyGcs();
  const store = await openOn(server.endpoint);
  server.misbehave = () => ({ ...refusal(503, "busy"), headers: { "retry-after": "7" } });
  const isThrottled = (error: unknown): boolean =>
    error instanceof ThrottledError && error.retryAfterMs === 7_000;
  await assert.rejects(store.head("k"), isThrottled);
  server.misbehave = () => ({ status: 200, body: "<html>" });
  await fails(listed(store.list("")), "unavailable", /not Google's: check endpoint/);
  server.misbehave = () => undefined;
  const nowhere = await openOn(server.endpoint, { bucket: "nowhere" });
  const missing = /there is no bucket nowhere .*bucket_name/;
  await fails(nowhere.get("k"), "denied", missing);
  await fails(nowhere.put("k", Buffer.from("x")), "denied", missing);
  await fails(nowhere.head("k"), "denied", missing);
  await fails(nowhere.delete("k"), "denied", missing);
  await fails(nowhere.listFolders(""), "denied", missing);
});

test("a silent server is given up, an unreachable one is named", async () => {
  await using server = await startTinyGcs();
  const store = await openOn(server.endpoint, { timeoutMs: 50 });
  server.misbehave = () => "hang";
  await fails(store.get("k"), "unavailable", /no answer within 50 ms/);
  const controller = new AbortController();
  const waiting = store.get("k", { signal: controller.signal });
  controller.abort("stop");
  await assert.rejects(waiting, (reason) => reason === "stop");
  await fails(store.put("k", Buffer.alloc(MiB)), "unavailable", /no answer within 50 ms/);
  await fails(store.delete("k"), "unavailable", /no answer within 50 ms/);
  const gone = await openOn("http://127.0.0.1:1");
  await fails(gone.put("k", Buffer.alloc(MiB)), "unavailable", /cannot be reached/);
  await fails(listed(gone.list("")), "unavailable", /cannot be reached/);
  await fails(gone.get("k"), "unavailable", /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/);
});

test("tokens come from the metadata server, and a wrong account is refused", async () => {
  await using server = await startTinyGcs();
  server.token = secret;
  process.env["GCE_METADATA_HOST"] = server.host;
  process.env["METADATA_SERVER_DETECTION"] = "assume-present";
  try {
    const store = await openOn(server.endpoint);
    await store.put("k", Buffer.from("v"));
    assert.equal((await store.get("k")).toString(), "v");
    assert.equal(server.tokensGiven, 1);
  } finally {
    delete process.env["GCE_METADATA_HOST"];
    delete process.env["METADATA_SERVER_DETECTION"];
  }
});

test("what cannot be credentials is refused without being repeated", async () => {
  await using server = await startTinyGcs();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const line = pem.split("\n")[1]!;
  const account = { type: "service_account", client_email: "a@b.iam", private_key: "no-pem-Xy" };
  for (const serviceAccount of [`{${line}`, "[]", '"x"']) {
    await fails(openOn(server.endpoint, { serviceAccount }), "denied", /not the JSON/, [line]);
  }
  const store = await openOn(server.endpoint, { serviceAccount: JSON.stringify(account) });
  const noKey = /service_account is not the key/;
  await fails(store.get("k"), "denied", noKey, ["no-pem-Xy"]);
  await fails(store.put("k", Buffer.from("v")), "denied", noKey, ["no-pem-Xy"]);
  await fails(store.head("k"), "denied", noKey, ["no-pem-Xy"]);
  const noFile = openOn(server.endpoint, { keyFile: "/no/such/file.json" });
  await fails(noFile, "missing", /no\/such\/file/);
  const half = { serviceAccount: JSON.stringify({ type: "service_account", private_key: line }) };
  await fails(openOn(server.endpoint, half), "denied", /has no client_email/, [line]);
  const odd = { serviceAccount: '{"type":"gdch"}' };
  await fails(openOn(server.endpoint, odd), "denied", /is no service_account/);
  for (const endpoint of ["http://user:geheim@host", "http://"]) {
    await fails(openOn(endpoint), "denied", /gcs: endpoint/, ["geheim"]);
  }
});
