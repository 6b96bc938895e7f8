import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError, messageOf } from "#base";
import { parseS3Url, type S3Url } from "./s3-url.ts";

const plain = { isInMemory: false };
const good: readonly (readonly [string, S3Url])[] = [
  ["s3://eu-west-1/loki_bucket", { ...plain, region: "eu-west-1", bucket: "loki_bucket" }],
  ["s3://eu-west-1", { ...plain, region: "eu-west-1", bucket: "" }],
  ["s3://eu-west-1/", { ...plain, region: "eu-west-1", bucket: "" }],
  ["s3:///bucket", { ...plain, bucket: "bucket" }],
  [
    "s3://KEY:SECRET@eu-west-1/b",
    {
      ...plain,
      region: "eu-west-1",
      bucket: "b",
      keys: { accessKeyId: "KEY", secretAccessKey: "SECRET" },
    },
  ],
  [
    "s3://K%3AY:a%2Fb%2Bc%40d+e=@minio.svc.cluster.local:9000/b",
    {
      ...plain,
      endpoint: "http://minio.svc.cluster.local:9000",
      bucket: "b",
      keys: { accessKeyId: "K:Y", secretAccessKey: "a/b+c@d+e=" },
    },
  ],
  ["s3://minio:9000/b", { ...plain, endpoint: "http://minio:9000", bucket: "b" }],
  ["s3://minio/b", { ...plain, region: "minio", bucket: "b" }],
  ["s3://[::1]:9000/b", { ...plain, endpoint: "http://[::1]:9000", bucket: "b" }],
  [
    "s3://s3.eu-central-1.amazonaws.com/b",
    {
      ...plain,
      endpoint: "https://s3.eu-central-1.amazonaws.com",
      region: "eu-central-1",
      bucket: "b",
    },
  ],
  ["inmemory:///b", { isInMemory: true, bucket: "b" }],
];

for (const [text, want] of good) {
  test(`read: ${text}`, () => assert.deepEqual(parseS3Url(text), want));
}

const bad: readonly (readonly [string, RegExp])[] = [
  ["", /does not begin with s3:/],
  ["https://host/bucket", /does not begin with s3:/],
  ["s3://KEY@host.x/b", /both an access key and a secret key/],
  ["s3://:SECRETSECRET@host.x/b", /both an access key and a secret key/],
  ["s3://KEY:SECRET/SECRET@host.x/b", /must be written %2F/],
  ["s3://KEY:SECRETSECRET/b", /must be written %2F/],
  ["s3://KEY:SECRET%zz@host.x/b", /'%' that is no escape/],
  ["s3://KEY:SECRET@/b", /no host/],
  ["s3://region/b/SECRET", /more than the name of a bucket/],
];

for (const [text, why] of bad) {
  test(`refused without a secret shown: ${text}`, () => {
    assert.throws(
      () => parseS3Url(text),
      (error) => {
        assert.ok(isStoreError(error, "denied"));
        assert.match(error.message, why);
        assert.ok(!messageOf(error).includes("SECRET"));
        return true;
      },
    );
  });
}
