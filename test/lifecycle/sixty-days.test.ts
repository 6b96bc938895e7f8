/**
 * The life of data in injected time on stores over the network: fewer days than in the room's own
 * test, for each request costs a millisecond here. SKALD_SIXTY_DAYS=60 lives through all of them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobServiceClient } from "@azure/storage-blob";
import {
  type ObjectStore,
  openAzureObjectStore,
  openGcsObjectStore,
  openS3ObjectStore,
} from "#objectstore";
import { systemClock, systemFiles, systemRandom } from "#world";
import { liveThrough } from "../../src/lifecycle/sixty-days-kit.ts";
import { azuriteAccount, azuriteKey, startAzurite } from "../support/azurite-server.ts";
import { s3rverKeys, startS3rver } from "../support/s3rver-server.ts";
import { startTinyGcs } from "../support/tiny-gcs.ts";

/** Long enough for what is ten days old to go. */
const dayCount = Number(process.env["SKALD_SIXTY_DAYS"] ?? 14);

async function checkOn(name: string, objects: ObjectStore): Promise<void> {
  const remote = { name, objects };
  const { requests, sizeDrops } = await liveThrough({ kind: "remote", seed: 1, dayCount, remote });
  assert.ok(requests.length > 2, `${requests.length} deletes`);
  assert.ok(sizeDrops.length > 2, `${sizeDrops.length} segments dropped by size`);
}

test("days pass on S3: nothing gone too early, nothing kept too long", async () => {
  await using server = await startS3rver(["skald"]);
  const store = await openS3ObjectStore({
    files: systemFiles,
    clock: systemClock,
    buckets: ["skald"],
    endpoint: server.endpoint,
    forcePathStyle: true,
    keys: s3rverKeys,
  });
  await checkOn("s3", store);
  store.close();
});

test("days pass on Azure: nothing gone too early, nothing kept too long", async () => {
  await using server = await startAzurite();
  const container = "days";
  await BlobServiceClient.fromConnectionString(server.connectionString).createContainer(container);
  const store = await openAzureObjectStore({
    clock: systemClock,
    random: systemRandom,
    container,
    accountName: azuriteAccount,
    endpoint: server.endpoint,
    credentials: { type: "key", accountKey: azuriteKey },
  });
  await checkOn("azure", store);
});

test("days pass on Google's store: nothing gone too early, nothing kept too long", async () => {
  await using server = await startTinyGcs();
  const { endpoint } = server;
  const options = { clock: systemClock, files: systemFiles, bucket: "logs", endpoint };
  await checkOn("gcs", await openGcsObjectStore(options));
});
