import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { OutgoingRequest } from "#ruler";
import { systemFiles } from "#world";
import { outgoingHttp } from "./outgoing-http.ts";

type Handle = (request: IncomingMessage, answer: ServerResponse) => void;

async function withServer(handle: Handle, run: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function requestTo(url: string, changes: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const { signal } = new AbortController();
  const headers = { "X-Own": "1" };
  const body = Buffer.from("body");
  return { url, headers, body, timeoutMs: 2000, tls: undefined, signal, ...changes };
}

const post = outgoingHttp(systemFiles);

test("what is sent arrives, and every status is an answer", async () => {
  const seen: string[] = [];
  const handle: Handle = (request, answer) => {
    request.on("data", (chunk: Buffer) => {
      const { method, url, headers } = request;
      seen.push([method, url, headers["x-own"], chunk.toString()].join(" "));
    });
    request.on("end", () => {
      answer.writeHead(429, { "Retry-After": "3" }).end(`too much ${"x".repeat(10_000)}`);
    });
  };
  await withServer(handle, async (url) => {
    const answer = await post(requestTo(url));
    assert.deepEqual(seen, ["POST /x 1 body"]);
    assert.deepEqual([answer.status, answer.retryAfterMs], [429, 3000]);
    assert.equal(answer.text.length, 2048);
  });
});

test("a server that says nothing is given up after the timeout", async () => {
  await withServer(
    () => undefined,
    async (url) => {
      await assert.rejects(post(requestTo(url, { timeoutMs: 50 })), /no answer within 50 ms/);
      const controller = new AbortController();
      const pending = post(requestTo(url, { signal: controller.signal }));
      controller.abort();
      await assert.rejects(pending, { name: "AbortError" });
    },
  );
});

test("nobody there, or no certificate to be read, is an error", async () => {
  await assert.rejects(post(requestTo("http://127.0.0.1:1/")), /ECONNREFUSED/);
  const tls = { caFile: "/no/such/ca", certFile: "", keyFile: "", serverName: "" };
  const secure = requestTo("https://127.0.0.1:1/", { tls: { ...tls, insecureSkipVerify: false } });
  await assert.rejects(post(secure), /\/no\/such\/ca/);
});
