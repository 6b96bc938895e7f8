import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { get } from "node:http";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "web", "dist");
const firstLoadBytesMax = 300 * 1024;
const html = { headers: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };

let skald: SkaldProcess;

before(async () => {
  skald = await startSkald({
    config: `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, http_path_prefix: /logs}
common: {path_prefix: \${DATA}}
`,
    pathPrefix: "/logs",
  });
});

after(() => skald?.[Symbol.asyncDispose]());

/** Addresses of scripts and styles in the page. */
function assetsOf(page: string): string[] {
  return [...page.matchAll(/(?:src|href)="(\.\/assets\/[^"]+)"/g)].map((match) => match[1]!);
}

test("the page says what it may do, and is never kept without asking", async () => {
  const answer = await fetch(`${skald.url}/`, html);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(answer.headers.get("cache-control"), "no-cache");
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
  const policy = answer.headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; script-src 'self';/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  const nonce = /'nonce-([\w+/=]{22,})'/.exec(policy)?.[1];
  const page = await answer.text();
  assert.ok(nonce !== undefined && page.includes(`nonce="${nonce}"`));
  const again = await fetch(`${skald.url}/`, html);
  assert.ok(!(again.headers.get("content-security-policy") ?? "").includes(nonce));
});

test("assets are kept for ever, and come compressed to who can read that", async () => {
  const page = await (await fetch(`${skald.url}/`, html)).text();
  const script = assetsOf(page).find((name) => name.endsWith(".js"))!;
  const url = new URL(script, `${skald.url}/`).href;
  const plain = readFileSync(join(dist, script));
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync } as const;
  for (const encoding of ["br", "gzip"] as const) {
    const content = await rawBody(url, encoding);
    assert.equal(content.encoding, encoding);
    assert.deepEqual(unpack[encoding](content.body), plain);
    assert.equal(content.cache, "public, max-age=31536000, immutable");
  }
  for (const refused of ["identity", "gzip;q=0, br;q=0.0", ""]) {
    const content = await rawBody(url, refused);
    assert.equal(content.encoding, undefined);
    assert.deepEqual(content.body, plain);
  }
});

interface RawAnswer {
  readonly encoding: string | undefined;
  readonly cache: string | undefined;
  readonly body: Buffer;
}

/** As it comes over the wire: fetch would unpack it. */
function rawBody(url: string, accepted: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "Accept-Encoding": accepted } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        const { "content-encoding": encoding, "cache-control": cache } = answer.headers;
        const body = Buffer.concat(parts);
        resolve({ body, encoding, cache });
      });
    }).on("error", reject);
  });
}

test("the first load is small", () => {
  const page = readFileSync(join(dist, "index.html"), "utf8");
  const names = assetsOf(page);
  assert.ok(names.length >= 2, names.join());
  const sizes = names.map((name) => {
    const compressed = join(dist, `${name}.gz`);
    return statSync(existsSync(compressed) ? compressed : join(dist, name)).size;
  });
  const total = page.length + sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total <= firstLoadBytesMax, `${total} bytes with gzip`);
});

test("whoever does not ask for HTML gets Loki's answer", async () => {
  for (const accept of ["*/*", "application/json"]) {
    const answer = await fetch(`${skald.url}/`, { headers: { Accept: accept } });
    assert.equal(answer.status, 404);
    assert.equal((await answer.text()).trim(), "404 page not found");
  }
});

test("a prefix without its slash leads to the page", async () => {
  const answer = await fetch(skald.url, html);
  assert.equal(answer.url, `${skald.url}/`);
  assert.match(await answer.text(), /<div id="app">/);
});

const outside = [
  "/assets/..%2findex.html",
  "/assets/%2e%2e%2f%2e%2e%2fpackage.json",
  "/assets/index.html",
  "/assets/.built-from",
  "/assets/none.js",
];

for (const path of outside) {
  test(`${path} is not a file of the page`, async () => {
    const answer = await fetch(`${skald.url}${path}`, html);
    assert.equal(answer.status, 404);
  });
}
