import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { inspect } from "node:util";
import { isStoreError, KiB, type StoreErrorKind } from "#base";
import {
  openS3ObjectStore,
  RetryingObjectStore,
  type S3ObjectStore,
  type S3ObjectStoreOptions,
  ThrottledError,
} from "#objectstore";
import { seededRandom, systemClock, systemFiles } from "#world";
import { listed } from "../../src/objectstore/object-store.contract.ts";
import { s3rverKeys, startS3rver } from "../support/s3rver-server.ts";
import { s3Error, startTinyS3, type TinyAnswer } from "../support/tiny-s3.ts";
import { testCertificate, testCertificateKey } from "../support/tls-certificate.ts";

const secret = "SeCrEt/+KeY==0123456789";
const token = "ToKeN/+0123456789==";

function openOn(endpoint: string, options?: Partial<S3ObjectStoreOptions>): Promise<S3ObjectStore> {
  return openS3ObjectStore({
    files: systemFiles,
    clock: systemClock,
    buckets: ["logs"],
    endpoint,
    region: "eu-west-1",
    forcePathStyle: true,
    keys: { accessKeyId: "AKIDTEST", secretAccessKey: secret, sessionToken: token },
    ...options,
  });
}

/** Fails so, in these words, without a secret anywhere in it. */
async function fails(call: Promise<unknown>, kind: StoreErrorKind, words: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isStoreError(error, kind), String(error));
    assert.match(error.message, words);
    const all = `${inspect(error, { depth: 10 })} ${JSON.stringify(error)}`;
    for (const hidden of [secret, token, encodeURIComponent(secret)]) {
      assert.ok(!all.includes(hidden), all);
    }
    return true;
  });
}

test("wrong credentials and missing buckets of a real server are named", async () => {
  await using server = await startS3rver(["logs"]);
  const unknown = await openOn(server.endpoint);
  await fails(unknown.get("k"), "denied", /access key AKIDTEST \(InvalidAccessKeyId\): check/);
  await fails(listed(unknown.list("")), "denied", /InvalidAccessKeyId/);
  const elsewhere = await openOn(server.endpoint, { keys: s3rverKeys, buckets: ["none"] });
  const noBucket = /there is no bucket none.*check bucketnames/;
  await fails(elsewhere.get("k"), "denied", noBucket);
  await fails(elsewhere.put("k", Buffer.from("x")), "denied", noBucket);
  await fails(elsewhere.head("k"), "denied", noBucket);
  await fails(elsewhere.listFolders(""), "denied", noBucket);
});

test("every character that a key may have is signed right, a wrong secret is named", async () => {
  await using tiny = await startTinyS3();
  tiny.keys = { accessKeyId: "AKIDTEST", secretAccessKey: secret };
  const store = await openOn(tiny.endpoint);
  const keys: string[] = ["fake/1a/18d0:18d1:ff", "a+b=c&d?e#f%20/100%25/%zz", "a  b/ /c "];
  for (let code = 0x20; code < 0x7f; code++) {
    const character = String.fromCharCode(code);
    if (character !== "/") keys.push(`<${character}>`, `${character}x`);
  }
  for (const key of keys) {
    await store.put(key, Buffer.from(key));
    assert.equal((await store.get(key)).toString(), key);
    assert.equal((await store.head(key))?.sizeBytes, key.length, key);
  }
  assert.deepEqual([...tiny.objects.keys()].sort(), keys.map((key) => `/logs/${key}`).sort());
  tiny.misbehave = () => ({ status: 200, body: "<ListBucketResult></ListBucketResult>" });
  for (const key of keys) {
    const [prefix, startAfter] = [key.slice(0, 2), key];
    assert.deepEqual(await listed(store.list(prefix.replace(/\/.*/, ""), { startAfter })), []);
  }
  tiny.misbehave = () => undefined;
  tiny.keys = { accessKeyId: "AKIDTEST", secretAccessKey: "another" };
  const wrong = /signature made with access key AKIDTEST \(SignatureDoesNotMatch\): check secret/;
  await fails(store.put("k", Buffer.from("x")), "denied", wrong);
  await fails(store.head("k"), "denied", /denies HeadObject on bucket logs to access key AKIDTEST/);
});

const answers: readonly (readonly [string, TinyAnswer, StoreErrorKind, RegExp])[] = [
  ["AccessDenied", s3Error(403, "AccessDenied"), "denied", /GetObject on bucket logs.*policy/],
  [
    "another region",
    s3Error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>"),
    "denied",
    /is in region eu-north-1, not eu-west-1.*set region: eu-north-1/,
  ],
  [
    "a redirect to another region",
    {
      ...s3Error(301, "PermanentRedirect", "<Endpoint>logs.s3-us-west-2.amazonaws.com</Endpoint>"),
      headers: { "x-amz-bucket-region": "us-west-2" },
    },
    "denied",
    /set region: us-west-2/,
  ],
  ["a wrong clock", s3Error(403, "RequestTimeTooSkewed"), "denied", /set the clock/],
  ["an expired token", s3Error(400, "ExpiredToken"), "denied", /have expired \(ExpiredToken\)/],
  ["a full server", s3Error(507, "XMinioStorageFull"), "full", /no room/],
  ["a quota", s3Error(403, "QuotaExceeded"), "full", /no room/],
  ["SlowDown", s3Error(503, "SlowDown"), "unavailable", /fewer requests.*SlowDown/],
  ["a server's own failure", s3Error(500, "InternalError"), "unavailable", /500 InternalError/],
  ["a proxy's page", { status: 502, body: "<html>Bad gateway</html>" }, "unavailable", /502/],
  [
    "no S3 at all",
    { status: 200, body: "x", cutAfterBytes: 0 },
    "unavailable",
    /cut|reach|hang up/,
  ],
  ["an unknown refusal", s3Error(400, "InvalidThing"), "denied", /refuses.*400 InvalidThing/],
  [
    "a secret said back",
    s3Error(403, "AccessDenied", `<X>${secret}</X>`).body === undefined
      ? { status: 500 }
      : {
          status: 403,
          body: `<Error><Code>AccessDenied</Code><Message>${secret}</Message></Error>`,
        },
    "denied",
    /<secret>/,
  ],
];

for (const [name, answer, kind, words] of answers) {
  test(`an answer: ${name}`, async () => {
    await using tiny = await startTinyS3();
    tiny.misbehave = () => answer;
    const store = await openOn(tiny.endpoint);
    await fails(store.get("some/key"), kind, words);
  });
}

test("a HEAD without a body still tells the region", async () => {
  await using tiny = await startTinyS3();
  for (const status of [301, 400]) {
    tiny.misbehave = () => ({ status, headers: { "x-amz-bucket-region": "us-west-2" } });
    const store = await openOn(tiny.endpoint);
    await fails(store.head("k"), "denied", /set region: us-west-2/);
  }
});

test("a server that is not there, or has no name", async () => {
  const options = { http: { connectTimeoutMs: 500 } };
  const nobody = await openOn("http://127.0.0.1:1", options);
  await fails(nobody.get("k"), "unavailable", /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/);
  const nameless = await openOn("http://no-such-host.invalid", options);
  await fails(nameless.get("k"), "unavailable", /no-such-host.invalid cannot be resolved/);
});

test("a certificate that nobody knows is refused, unless its CA is named or none is asked", async () => {
  await using tiny = await startTinyS3({ cert: testCertificate, key: testCertificateKey });
  const folder = await mkdtemp(join(tmpdir(), "skald-ca-"));
  try {
    const caFile = join(folder, "ca.pem");
    await writeFile(caFile, testCertificate);
    const strict = await openOn(tiny.endpoint);
    await fails(strict.get("k"), "unavailable", /is not trusted.*http_config.ca_file/);
    for (const http of [{ caFile }, { insecureSkipVerify: true }]) {
      const store = await openOn(tiny.endpoint, { http });
      await store.put("k", Buffer.from("x"));
      assert.equal((await store.get("k")).toString(), "x");
    }
    const noFile = openOn(tiny.endpoint, { http: { caFile: join(folder, "none.pem") } });
    await fails(noFile, "missing", /none\.pem/);
    // Without a scheme it is https, unless `insecure` says otherwise.
    const host = tiny.endpoint.replace("https://", "");
    const plain = await openOn(host, { http: { caFile } });
    assert.equal((await plain.get("k")).toString(), "x");
    const insecure = await openOn(host, { insecure: true });
    await assert.rejects(insecure.get("k"), (error) => isStoreError(error, "unavailable"));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("SlowDown carries retry-after, and is retried until it ends", async () => {
  await using tiny = await startTinyS3();
  let slowCount = 3;
  const slow = { ...s3Error(503, "SlowDown"), headers: { "retry-after": "0" } };
  tiny.misbehave = () => (slowCount-- > 0 ? slow : undefined);
  const store = await openOn(tiny.endpoint);
  await assert.rejects(store.get("k"), (error) => {
    assert.ok(error instanceof ThrottledError);
    assert.equal(error.retryAfterMs, 0);
    return true;
  });
  const options = { clock: systemClock, random: seededRandom(1), pauseMsMin: 1 };
  await new RetryingObjectStore(store, options).put("k", Buffer.from("x"));
  assert.equal(tiny.requests.length, 4);
  slowCount = 100;
  const failing = new RetryingObjectStore(store, { ...options, attemptsMax: 3 });
  await fails(failing.get("k"), "unavailable", /tried 3 times/);
  assert.equal(tiny.requests.length, 7);
});

test("a silent server: the time of a request, and of its bytes, is bounded", async () => {
  await using tiny = await startTinyS3();
  tiny.misbehave = () => ({ status: 200, isSilent: true });
  const limited = await openOn(tiny.endpoint, { http: { timeoutMs: 50 } });
  await fails(limited.get("k"), "unavailable", /no answer within 50 ms/);
  const stalled = await openOn(tiny.endpoint, { http: { stallTimeoutMs: 60 } });
  await fails(stalled.put("k", Buffer.from("x")), "unavailable", /is silent/);
  const headless = await openOn(tiny.endpoint, { http: { responseHeaderTimeoutMs: 70 } });
  await fails(headless.head("k"), "unavailable", /is silent/);
  const controller = new AbortController();
  const getting = stalled.get("k", { signal: controller.signal });
  setTimeout(() => controller.abort("stop"), 10);
  await assert.rejects(getting, (reason) => reason === "stop");
});

test("a cut connection is an error, never short data", async () => {
  await using tiny = await startTinyS3();
  const body = Buffer.alloc(64 * KiB, 7);
  for (const cutAfterBytes of [0, 1, 40_000]) {
    tiny.misbehave = () => ({ status: 200, body, cutAfterBytes });
    const store = await openOn(tiny.endpoint);
    await fails(store.get("k"), "unavailable", /cut after|cannot be reached|ECONNRESET/);
  }
});

test("a server without ranges, and one without ListObjectsV2, are good enough", async () => {
  await using tiny = await startTinyS3();
  const store = await openOn(tiny.endpoint);
  await store.put("k", Buffer.from("0123456789"));
  assert.equal((await store.get("k", { range: { from: 3, to: 5 } })).toString(), "34");
  const content = (key: string): string => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`;
  tiny.misbehave = ({ query }) => {
    if (query.get("list-type") === "2") return s3Error(501, "NotImplemented");
    const page = query.has("marker") ? content("b") : content("a");
    const more = `<IsTruncated>${!query.has("marker")}</IsTruncated>`;
    return { status: 200, body: `<ListBucketResult>${more}${page}</ListBucketResult>` };
  };
  assert.deepEqual(
    (await listed(store.list(""))).map((info) => info.key),
    ["a", "b"],
  );
  // One that does not know start-after gives everything again.
  tiny.misbehave = () => ({
    status: 200,
    body: `<ListBucketResult>${content("a")}${content("b")}${content("c")}</ListBucketResult>`,
  });
  assert.deepEqual(
    (await listed(store.list("", { startAfter: "b" }))).map((info) => info.key),
    ["c"],
  );
});

test("what puts carry: storage class, encryption, no trailers, no aws-chunked", async () => {
  await using tiny = await startTinyS3();
  const store = await openOn(tiny.endpoint, {
    storageClass: "STANDARD_IA",
    encryption: { type: "SSE-KMS", kmsKeyId: "key-1", encryptionContext: '{"app": "logs"}' },
  });
  await store.put("k", [Buffer.from("0123"), Buffer.from("456")]);
  const { headers, body } = tiny.requests[0]!;
  assert.equal(body.toString(), "0123456");
  assert.equal(headers["x-amz-storage-class"], "STANDARD_IA");
  assert.equal(headers["x-amz-server-side-encryption"], "aws:kms");
  assert.equal(headers["x-amz-server-side-encryption-aws-kms-key-id"], "key-1");
  const context = String(headers["x-amz-server-side-encryption-context"]);
  assert.deepEqual(JSON.parse(Buffer.from(context, "base64").toString()), { app: "logs" });
  assert.equal(headers["content-length"], "7");
  for (const name of ["transfer-encoding", "content-encoding", "x-amz-trailer", "expect"]) {
    assert.equal(headers[name], undefined, name);
  }
  assert.ok(!Object.keys(headers).some((name) => name.startsWith("x-amz-checksum")));
  const plain = await openOn(tiny.endpoint, { encryption: { type: "SSE-S3" } });
  await plain.put("k", Buffer.from("x"));
  assert.equal(tiny.requests[1]!.headers["x-amz-server-side-encryption"], "AES256");
});

test("an upload in parts that fails is given up, and its parts with it", async () => {
  await using tiny = await startTinyS3();
  const store = await openOn(tiny.endpoint, { multipartAboveBytes: 10, partBytes: 10 });
  tiny.misbehave = ({ method, query }) => {
    if (method === "POST" && query.has("uploads")) {
      const id = "<UploadId>u1</UploadId>";
      const body = `<InitiateMultipartUploadResult>${id}</InitiateMultipartUploadResult>`;
      return { status: 200, body };
    }
    return query.get("partNumber") === "3" ? s3Error(500, "InternalError") : undefined;
  };
  await fails(store.put("k", Buffer.alloc(100)), "unavailable", /UploadPart.*InternalError/);
  const last = tiny.requests.at(-1)!;
  assert.equal(last.method, "DELETE");
  assert.equal(last.query.get("uploadId"), "u1");
  assert.ok(tiny.requests.length < 12, "no part is begun after the failure");
  assert.ok(!tiny.requests.some((request) => request.body.includes("CompleteMultipartUpload")));
});
