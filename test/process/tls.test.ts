// Listeners with TLS: which clients get in, by which certificates, and that new certificates are taken
// without a restart. In this process, but over real sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as http2Connect } from "node:http2";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type ConnectionOptions } from "node:tls";
import { ServerTls, type ServerTlsConfig, type ClientAuthType } from "#access";
import { startGrpcServer } from "#grpc";
import { createLogger, createMetrics } from "#telemetry";
import { systemClock, systemFiles } from "#world";
import { createServer } from "node:https";
import { testAuthority } from "../support/certificates.ts";
import { temporaryFolder } from "../support/skald-process.ts";

const ours = testAuthority("Our authority");
const others = testAuthority("Another authority");
const server = ours.issue({ commonName: "server" });
const good = ours.issue({ commonName: "agent-1" });
const bad = others.issue({ commonName: "agent-1" });

interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly tls: ServerTls;
  readonly files: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly logged: readonly string[];
}

async function listen(changes: Partial<ServerTlsConfig> = {}): Promise<Listener> {
  const folder = temporaryFolder();
  const files = {
    cert: join(folder, "cert.pem"),
    key: join(folder, "key.pem"),
    ca: join(folder, "ca.pem"),
  };
  writeFileSync(files.cert, server.cert);
  writeFileSync(files.key, server.key);
  writeFileSync(files.ca, ours.cert);
  const logged: string[] = [];
  const config: ServerTlsConfig = {
    cert: { file: files.cert },
    key: { file: files.key },
    clientCa: { file: files.ca },
    clientAuth: "NoClientCert",
    minVersion: "VersionTLS12",
    ciphers: undefined,
    ...changes,
  };
  const log = {
    info: (event: string) => void logged.push(event),
    error: (event: string) => void logged.push(event),
  };
  const world = { files: systemFiles, clock: systemClock, log, periodMs: 1000 };
  const tls = await ServerTls.open({ name: "HTTP", config, ...world });
  const listener = createServer(tls.options(), (_request, response) => response.end("in"));
  tls.attach(listener);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  return {
    port,
    tls,
    files,
    logged,
    [Symbol.asyncDispose]: async () => {
      listener.closeAllConnections();
      listener.close();
    },
  };
}

/** `in`, or why not. */
async function ask(port: number, options: ConnectionOptions): Promise<string> {
  const sent = request({ host: "127.0.0.1", port, agent: false, ca: ours.cert, ...options });
  sent.end();
  try {
    const [answer] = (await once(sent, "response")) as [AsyncIterable<Buffer>];
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part);
    return Buffer.concat(parts).toString();
  } catch {
    return "out";
  }
}

const cases: readonly (readonly [ClientAuthType, none: string, good: string, bad: string])[] = [
  ["NoClientCert", "in", "in", "in"],
  ["RequestClientCert", "in", "in", "in"],
  ["RequireAnyClientCert", "out", "in", "in"],
  ["VerifyClientCertIfGiven", "in", "in", "out"],
  ["RequireAndVerifyClientCert", "out", "in", "out"],
];

for (const [clientAuth, ...want] of cases) {
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`${clientAuth} with ${maxVersion}`, async () => {
      await using listener = await listen({ clientAuth });
      const { port } = listener;
      const got = [
        await ask(port, { maxVersion }),
        await ask(port, { maxVersion, ...good }),
        await ask(port, { maxVersion, ...bad }),
      ];
      assert.deepEqual(got, want);
    });
  }
}

test("new certificates and authorities hold for new connections, without a restart", async () => {
  await using listener = await listen({ clientAuth: "RequireAndVerifyClientCert" });
  const { port, files, tls, logged } = listener;
  assert.equal(await ask(port, good), "in");
  const next = others.issue({ commonName: "server" });
  writeFileSync(files.cert, next.cert);
  await tls.reload();
  assert.equal(await ask(port, good), "in", "a certificate without its key is not taken");
  writeFileSync(files.key, next.key);
  writeFileSync(files.ca, others.cert);
  await tls.reload();
  assert.equal(await ask(port, good), "out");
  assert.equal(await ask(port, { ...good, ca: others.cert }), "out");
  assert.equal(await ask(port, { ...bad, ca: others.cert }), "in");
  writeFileSync(files.cert, "nothing");
  await tls.reload();
  await tls.reload();
  assert.equal(await ask(port, { ...bad, ca: others.cert }), "in");
  assert.deepEqual(logged, [
    "certificates are wrong, those of before stay",
    "certificates read",
    "certificates are wrong, those of before stay",
  ]);
});

test("versions and ciphers are those that were chosen", async () => {
  await using listener = await listen({
    minVersion: "VersionTLS12",
    ciphers: "TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384",
  });
  const agreed = async (options: ConnectionOptions): Promise<string> => {
    const socket = connect({ host: "127.0.0.1", port: listener.port, ca: ours.cert, ...options });
    try {
      await once(socket, "secureConnect");
      return `${socket.getProtocol()} ${socket.getCipher().name}`;
    } catch {
      return "out";
    } finally {
      socket.destroy();
    }
  };
  assert.equal(await agreed({}), "TLSv1.3 TLS_AES_256_GCM_SHA384");
  assert.equal(await agreed({ maxVersion: "TLSv1.2" }), "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384");
  assert.equal(
    await agreed({ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }),
    "out",
  );
  const old = {
    minVersion: "TLSv1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT@SECLEVEL=0",
  } as const;
  assert.equal(await agreed(old), "out");
});

test("files that hold no certificate are named at the start", async () => {
  await assert.rejects(listen({ cert: { text: "x" } }), /no usable certificate and key/);
  await assert.rejects(listen({ cert: { file: "/no/cert.pem" } }), /no\/cert\.pem/);
});

test("gRPC with mutual TLS: a client of ours gets in, another does not", async () => {
  const listenerFiles = { cert: { text: server.cert }, key: { text: server.key } };
  const tls = await ServerTls.open({
    name: "gRPC",
    config: {
      ...listenerFiles,
      clientCa: { text: ours.cert },
      clientAuth: "RequireAndVerifyClientCert",
      minVersion: "VersionTLS12",
      ciphers: undefined,
    },
    files: systemFiles,
    clock: systemClock,
    log: { info: () => {}, error: () => {} },
    periodMs: 1000,
  });
  const grpc = await startGrpcServer(
    {
      address: "127.0.0.1",
      port: 0,
      receiveBytesMax: 1000,
      readTimeoutMs: 5000,
      idleTimeoutMs: 5000,
      closeTimeoutMs: 100,
      tls,
    },
    {
      clock: systemClock,
      log: createLogger({ level: "error", format: "logfmt", write: () => {} }),
      metrics: createMetrics({ process: false }),
      authEnabled: false,
      push: { push: async () => ({ status: 204, text: "" }) },
      admin: { notReady: () => undefined },
    },
  );
  const health = async (options: ConnectionOptions): Promise<string> => {
    const session = http2Connect(`https://127.0.0.1:${grpc.port}`, { ca: ours.cert, ...options });
    session.on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const failed = new Promise<string>((resolve) => {
      const out = (): void => resolve("out");
      stream.on("error", out).once("close", out);
      session.once("close", out);
    });
    stream.end(Buffer.alloc(5));
    const answered = new Promise<string>((resolve) =>
      stream.once("response", (headers) => resolve(String(headers[":status"]))),
    );
    const outcome = await Promise.race([answered, failed]);
    session.destroy();
    return outcome;
  };
  const got = [await health(good), await health({}), await health(bad)];
  await grpc.close();
  assert.deepEqual(got, ["200", "out", "out"]);
});
