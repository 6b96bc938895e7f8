import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { BlobServiceClient } from "@azure/storage-blob";
import { isStoreError, MiB, type StoreErrorKind } from "#base";
import { type AzureObjectStoreOptions, type ObjectStore, openAzureObjectStore } from "#objectstore";
import { systemClock, systemRandom } from "#world";
import { listed, objectStoreContract } from "../../src/objectstore/object-store.contract.ts";
import {
  type AzuriteServer,
  azuriteAccount,
  azuriteKey,
  startAzurite,
} from "../support/azurite-server.ts";

let server: AzuriteServer;
before(async () => {
  server = await startAzurite();
});
after(async () => server[Symbol.asyncDispose]());

let containers = 0;
async function newContainer(): Promise<string> {
  const name = `test-${containers++}`;
  await BlobServiceClient.fromConnectionString(server.connectionString).createContainer(name);
  return name;
}

function openOn(
  container: string,
  options?: Partial<AzureObjectStoreOptions>,
): Promise<ObjectStore> {
  return openAzureObjectStore({
    clock: systemClock,
    random: systemRandom,
    container,
    accountName: azuriteAccount,
    endpoint: server.endpoint,
    credentials: { type: "key", accountKey: azuriteKey },
    ...options,
  });
}

const settings: readonly (readonly [string, Partial<AzureObjectStoreOptions>])[] = [
  ["azure", {}],
  ["azure with everything in blocks", { blocksAboveBytes: 0, blockBytes: 3 }],
  ["azure with a chunk delimiter", { chunkDelimiter: "-" }],
];
for (const [name, options] of settings) {
  objectStoreContract(name, async () => ({
    store: await openOn(await newContainer(), options),
    close: async () => undefined,
  }));
}

test("a connection string and a SAS are as good as the key", async () => {
  const container = await newContainer();
  const text = server.connectionString;
  const byString = await openOn(container, { credentials: { type: "connection string", text } });
  await byString.put("k", Buffer.from("v"));
  const sas = generateBlobSASQueryParameters(
    {
      containerName: container,
      permissions: ContainerSASPermissions.parse("rl"),
      expiresOn: new Date(systemClock.nowMs() + 600_000),
    },
    new StorageSharedKeyCredential(azuriteAccount, azuriteKey),
  ).toString();
  for (const token of [sas, `?${sas}`]) {
    const store = await openOn(container, { credentials: { type: "sas", token } });
    assert.equal((await store.get("k")).toString(), "v");
    await fails(store.put("k", Buffer.from("w")), "denied", /Azure denies put/, [sas]);
  }
});

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
    for (const hidden of [azuriteKey, ...secrets]) assert.ok(!all.includes(hidden), all);
    return true;
  });
}

test("a wrong key and a missing container are named", async () => {
  const wrong = Buffer.from("another key, that nobody knows!!").toString("base64");
  const store = await openOn(await newContainer(), {
    credentials: { type: "key", accountKey: wrong },
  });
  const refused = /Azure refused the credentials|Azure denies/;
  await fails(store.get("k"), "denied", refused, [wrong]);
  await fails(store.head("k"), "denied", refused, [wrong]);
  await fails(listed(store.list("")), "denied", refused, [wrong]);
  const nowhere = await openOn("nowhere");
  const missing = /there is no container nowhere .*container_name/;
  await fails(nowhere.get("k"), "denied", missing);
  await fails(nowhere.put("k", Buffer.from("x")), "denied", missing);
  await fails(nowhere.head("k"), "denied", missing);
  await fails(nowhere.delete("k"), "denied", missing);
  await fails(nowhere.listFolders(""), "denied", missing);
});

test("20 MiB go in blocks and come back in ranges", async () => {
  const store = await openOn(await newContainer());
  const body = randomBytes(20 * MiB + 17);
  await store.put("large", [body.subarray(0, 5), body.subarray(5)]);
  assert.ok(body.equals(await store.get("large")));
  const range = { from: 8 * MiB - 3, to: 8 * MiB + 3 };
  assert.deepEqual(await store.get("large", { range }), body.subarray(range.from, range.to));
});

test("a chunk delimiter stands for colons in the container", async () => {
  const container = await newContainer();
  const plain = await openOn(container);
  const store = await openOn(container, { chunkDelimiter: "-" });
  await store.put("fake/1a2b3c/18d0:18d1:ff00ff00", Buffer.from("c"));
  assert.equal((await plain.get("fake/1a2b3c/18d0-18d1-ff00ff00")).toString(), "c");
  const keys = (await listed(store.list("fake/"))).map((info) => info.key);
  assert.deepEqual(keys, ["fake/1a2b3c/18d0:18d1:ff00ff00"]);
});

test("what cannot be opened is refused, what cannot be reached is said", async () => {
  const bad: Partial<AzureObjectStoreOptions>[] = [
    { container: " " },
    { endpoint: undefined, accountName: "no/account" },
    { credentials: { type: "connection string", text: "AccountKey=geheim" } },
  ];
  for (const options of bad) {
    await fails(openOn("c", options), "denied", /azure/, ["geheim"]);
  }
  const gone = await openOn("c", { endpoint: "http://127.0.0.1:1/x" });
  await fails(gone.get("k"), "unavailable", /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/);
});

test("no service principal's secret is in the refusal of Azure AD", async () => {
  const store = await openOn("c", {
    endpoint: "https://127.0.0.1:1/x",
    activeDirectoryEndpoint: "https://127.0.0.1:1",
    credentials: {
      type: "service principal",
      tenantId: "00000000-0000-0000-0000-000000000001",
      clientId: "00000000-0000-0000-0000-000000000002",
      clientSecret: "v3ry-s3cret",
    },
    timeoutMs: 3_000,
  });
  await fails(store.get("k"), "unavailable", /azure get c\/k/, ["v3ry-s3cret"]);
});
