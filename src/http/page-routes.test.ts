import assert from "node:assert/strict";
import { test } from "node:test";
import { fastify } from "fastify";
import { pageRoutes } from "./page-routes.ts";

const files = new Map([
  ["index.html", '<meta property="csp-nonce" nonce="%CSP_NONCE%" />'],
  ["assets/a-1.js", "plain"],
  ["assets/a-1.js.br", "as br"],
  ["assets/a-1.js.gz", "as gzip"],
  ["assets/b-1.svg", "small"],
  ["assets/c-1.exe", "never"],
]);

function app(contents: ReadonlyMap<string, string>) {
  const server = fastify({ exposeHeadRoutes: false });
  let nonces = 0;
  const suffixes = { br: ".br", gzip: ".gz" } as const;
  pageRoutes({
    nonce: () => `nonce-${++nonces}`,
    read: async (name, encoding) => {
      const text = contents.get(`${name}${encoding === undefined ? "" : suffixes[encoding]}`);
      return text === undefined ? undefined : Buffer.from(text);
    },
  })(server);
  return server;
}

const html = { accept: "text/html" };

test("each answer has a nonce of its own, in the page and in the policy", async () => {
  const server = app(files);
  for (const nonce of ["nonce-1", "nonce-2"]) {
    const answer = await server.inject({ url: "/", headers: html });
    assert.equal(answer.statusCode, 200);
    assert.match(answer.body, new RegExp(`nonce="${nonce}"`));
    assert.match(String(answer.headers["content-security-policy"]), new RegExp(`'nonce-${nonce}'`));
  }
});

test("without a built page a browser is told what to run, others hear of nothing", async () => {
  const server = app(new Map());
  const answer = await server.inject({ url: "/", headers: html });
  assert.equal(answer.statusCode, 503);
  assert.match(answer.body, /npm run setup/);
  const other = await server.inject({ url: "/", headers: { accept: "*/*" } });
  assert.equal(other.statusCode, 404);
});

const forms: readonly (readonly [string, string, string | undefined])[] = [
  ["gzip, deflate, br", "as br", "br"],
  ["br;q=0.1", "as br", "br"],
  ["GZIP", "as gzip", "gzip"],
  ["gzip;q=0, br;q=0", "plain", undefined],
  ["br;q=0.0, gzip", "as gzip", "gzip"],
  ["identity", "plain", undefined],
  ["brotli", "plain", undefined],
];

for (const [accepted, body, encoding] of forms) {
  test(`Accept-Encoding: ${accepted} gets ${encoding ?? "the plain file"}`, async () => {
    const headers = { "accept-encoding": accepted };
    const answer = await app(files).inject({ url: "/assets/a-1.js", headers });
    assert.equal(answer.body, body);
    assert.equal(answer.headers["content-encoding"], encoding);
    assert.equal(answer.headers.vary, "Accept-Encoding");
  });
}

test("a file without a compressed form comes as it is, an unknown kind never", async () => {
  const headers = { "accept-encoding": "br" };
  const small = await app(files).inject({ url: "/assets/b-1.svg", headers });
  assert.equal(small.headers["content-type"], "image/svg+xml");
  assert.equal(small.headers["content-encoding"], undefined);
  assert.equal((await app(files).inject({ url: "/assets/c-1.exe" })).statusCode, 404);
});

test("HEAD is answered as GET, without the page", async () => {
  const answer = await app(files).inject({ method: "HEAD", url: "/", headers: html });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.body, "");
});
