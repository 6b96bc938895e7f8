/**
 * s3rver as the S3 server of tests. What it does otherwise than S3, and is worked around in the
 * store: it lists folder by folder (so `a-b` comes after `a/b`), leaves out folders that hold only
 * folders from CommonPrefixes, does not encode names in listings, and does not name its requests.
 * It knows its keys but does not verify signatures of version 4: tiny-s3 does.
 * Its continuation tokens are made with DES, which Node 26 (OpenSSL 3) no longer has: it answers
 * 500 for a truncated page of ListObjectsV2, and the store goes on with ListObjects. Here DES is
 * given back (as triple DES with one key thrice, which is the same), unless a test wants the 500.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** s3rver puts its suffixes behind the name in its folder. */
export const s3rverKeyPartBytesMax = 230;

/** What is used of the package, which has no types. */
interface S3rver {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
  readonly httpServer: { closeAllConnections(): void };
}
type S3rverClass = new (options: object) => S3rver;

/** The only keys it knows. */
export const s3rverKeys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" } as const;

export interface S3rverServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** Puts objects without asking the server, which is much faster. */
  fill(bucket: string, objects: Iterable<readonly [key: string, body: Uint8Array]>): Promise<void>;
}

async function fillFolder(
  folder: string,
  objects: Iterable<readonly [key: string, body: Uint8Array]>,
): Promise<void> {
  for (const [key, body] of objects) {
    const path = join(folder, `${key}._S3rver_object`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, body);
    await writeFile(`${path}.md5`, createHash("md5").update(body).digest("hex"));
  }
}

type MakeCipher = (name: string, key: Buffer, iv: Buffer) => unknown;

function giveBackDes(require: NodeJS.Require): void {
  const crypto = require("node:crypto") as Record<string, MakeCipher>;
  for (const name of ["createCipheriv", "createDecipheriv"]) {
    const make = crypto[name]!;
    crypto[name] = (cipher, key, iv) =>
      cipher === "des" && isDesThere
        ? make("des-ede3-cbc", Buffer.concat([key, key, key]), iv)
        : make(cipher, key, iv);
  }
}

const require: NodeJS.Require = createRequire(import.meta.url);
giveBackDes(require);
let isDesThere = false;

/** Starts it with these buckets, empty, in a temporary folder. */
export async function startS3rver(
  buckets: readonly string[],
  options: { readonly asItIs: boolean } = { asItIs: false },
): Promise<S3rverServer> {
  const S3rver = require("s3rver") as S3rverClass;
  isDesThere = !options.asItIs;
  const directory = await mkdtemp(join(tmpdir(), "skald-s3rver-"));
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: buckets.map((name) => ({ name })),
  });
  const { port } = await server.run();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    fill: (bucket, objects) => fillFolder(join(directory, bucket), objects),
    [Symbol.asyncDispose]: async () => {
      server.httpServer.closeAllConnections();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
