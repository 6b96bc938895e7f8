import assert from "node:assert/strict";
import { connect as http2Connect } from "node:http2";
import { once } from "node:events";
import { test } from "node:test";
import { RequestError, StoreError } from "#base";
import { createLogger, createMetrics } from "#telemetry";
import { systemClock } from "#world";
import { create, fromBinary } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type Compression, compressions } from "./compressions.ts";
import { Health, HttpResponseSchema, LogsService, Pusher } from "./descriptors.ts";
import type { GrpcPorts, GrpcPushReply, GrpcPushRequest } from "./ports.ts";
import { type GrpcServer, startGrpcServer } from "./server.ts";

interface Running extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly url: string;
  readonly requests: GrpcPushRequest[];
  notReady: string | undefined;
  readonly metricsText: () => Promise<string>;
  pusher(compression?: Compression): Client<typeof Pusher>;
}

const messageBytesMax = 100_000;

async function start(
  options: {
    readonly answer?: (request: GrpcPushRequest) => Promise<GrpcPushReply> | GrpcPushReply;
    readonly authEnabled?: boolean;
    readonly access?: GrpcPorts["access"];
    readonly admission?: GrpcPorts["admission"];
    readonly closeTimeoutMs?: number;
  } = {},
): Promise<Running> {
  const requests: GrpcPushRequest[] = [];
  const metrics = createMetrics({ process: false });
  const state = { notReady: undefined as string | undefined };
  const server = await startGrpcServer(
    {
      address: "127.0.0.1",
      port: 0,
      receiveBytesMax: messageBytesMax,
      readTimeoutMs: 5_000,
      idleTimeoutMs: 60_000,
      closeTimeoutMs: options.closeTimeoutMs ?? 2_000,
    },
    {
      clock: systemClock,
      log: createLogger({ level: "error", format: "logfmt", write: () => {} }),
      metrics,
      authEnabled: options.authEnabled ?? false,
      ...(options.access === undefined ? {} : { access: options.access }),
      ...(options.admission === undefined ? {} : { admission: options.admission }),
      push: {
        push: async (request) => {
          requests.push(request);
          return (await options.answer?.(request)) ?? { status: 204, text: "" };
        },
      },
      admin: { notReady: () => state.notReady },
    },
  );
  const url = `http://127.0.0.1:${server.port}`;
  return Object.assign(state, {
    server,
    url,
    requests,
    metricsText: () => metrics.text(),
    pusher: (compression?: Compression) =>
      createClient(
        Pusher,
        createGrpcTransport({
          baseUrl: url,
          compressMinBytes: 0,
          ...(compression === undefined ? {} : { sendCompression: compression }),
        }),
      ),
    [Symbol.asyncDispose]: () => server.close(),
  });
}

const streams = [Buffer.from("first stream"), Buffer.alloc(300, "a"), Buffer.alloc(0)];
const wholeMessage = Buffer.concat([
  Buffer.from([10, 12]),
  streams[0]!,
  Buffer.from([10, 0xac, 2]),
  streams[1]!,
  Buffer.from([10, 0]),
]);

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "OK";
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return Code[error.code];
  }
}

for (const compression of [undefined, ...compressions]) {
  test(`a push arrives as it was sent, compressed with ${compression?.name ?? "nothing"}`, async () => {
    await using running = await start();
    await running.pusher(compression).push({ streams });
    const [request] = running.requests;
    assert.equal(request?.kind, "loki-message");
    assert.equal(request.tenant, "fake");
    assert.ok(request.body.equals(wholeMessage));
  });
}

test("OpenTelemetry's exporter is served too", async () => {
  await using running = await start();
  const client = createClient(LogsService, createGrpcTransport({ baseUrl: running.url }));
  await client.export({ streams });
  assert.equal(running.requests[0]?.kind, "otlp");
  assert.ok(running.requests[0]?.body.equals(wholeMessage));
});

const tenants: readonly (readonly [string | undefined, string])[] = [
  ["one", "OK"],
  ["one:client=x", "OK"],
  [undefined, "Unauthenticated"],
  ["", "Unauthenticated"],
  ["one|two", "InvalidArgument"],
  ["../one", "InvalidArgument"],
];

for (const [tenant, want] of tenants) {
  test(`with auth, x-scope-orgid ${JSON.stringify(tenant)} gives ${want}`, async () => {
    await using running = await start({ authEnabled: true });
    const headers = tenant === undefined ? {} : { "X-Scope-OrgID": tenant };
    assert.equal(await codeOf(running.pusher().push({ streams }, { headers })), want);
    assert.deepEqual(
      running.requests.map((request) => request.tenant),
      want === "OK" ? ["one"] : [],
    );
  });
}

const answers: readonly (readonly [number, string])[] = [
  [260, "FailedPrecondition"],
  [400, "InvalidArgument"],
  [401, "Unauthenticated"],
  [403, "PermissionDenied"],
  [413, "ResourceExhausted"],
  [422, "InvalidArgument"],
  [429, "ResourceExhausted"],
  [500, "Internal"],
  [503, "Unavailable"],
];

for (const [status, want] of answers) {
  test(`HTTP's ${status} is ${want}, and the HTTP answer is in the details`, async () => {
    await using running = await start({ answer: () => ({ status, text: "why: ü" }) });
    await assert.rejects(running.pusher().push({ streams }), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(Code[error.code], want);
      assert.equal(error.rawMessage, "why: ü");
      const [detail] = error.findDetails(HttpResponseSchema);
      assert.equal(detail?.code, status);
      assert.equal(Buffer.from(detail.body).toString(), "why: ü");
      return true;
    });
  });
}

const failures: readonly (readonly [Error, string, string])[] = [
  [new RequestError(429, "slow down"), "ResourceExhausted", "slow down"],
  [new StoreError("full", "no room"), "Unavailable", "no room"],
  [new Error("secret"), "Internal", "internal error"],
];

for (const [failure, want, message] of failures) {
  test(`${failure.name} becomes ${want}`, async () => {
    await using running = await start({ answer: () => Promise.reject(failure) });
    await assert.rejects(running.pusher().push({ streams }), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.deepEqual([Code[error.code], error.rawMessage], [want, message]);
      return true;
    });
    const text = await running.metricsText();
    assert.match(text, new RegExp(`route="/logproto.Pusher/Push",status_code="${want}"`));
  });
}

test("a message at the limit is taken, one byte more is RESOURCE_EXHAUSTED", async () => {
  await using running = await start();
  const fits = [Buffer.alloc(messageBytesMax - 4)];
  const tooLong = [Buffer.alloc(messageBytesMax - 3)];
  for (const compression of [undefined, ...compressions]) {
    const pusher = running.pusher(compression);
    assert.equal(await codeOf(pusher.push({ streams: fits })), "OK");
    assert.equal(await codeOf(pusher.push({ streams: tooLong })), "ResourceExhausted");
  }
});

/** One call by hand: what a client that misbehaves would send. */
async function rawCall(
  url: string,
  options: { readonly path?: string; readonly encoding?: string; readonly frame: Buffer },
): Promise<Record<string, unknown>> {
  const session = http2Connect(url);
  const stream = session.request({
    ":method": "POST",
    ":path": options.path ?? "/logproto.Pusher/Push",
    "content-type": "application/grpc",
    te: "trailers",
    ...(options.encoding === undefined ? {} : { "grpc-encoding": options.encoding }),
  });
  const found: Record<string, unknown> = {};
  stream.on("response", (headers) => Object.assign(found, headers));
  stream.on("trailers", (headers) => Object.assign(found, headers));
  stream.resume();
  stream.end(options.frame);
  await once(stream, "end");
  session.close();
  return found;
}

const frameOf = (flag: number, bytes: Buffer): Buffer => {
  const header = Buffer.alloc(5);
  header[0] = flag;
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
};

const badCalls: readonly (readonly [string, Parameters<typeof rawCall>[1], string])[] = [
  ["damaged snappy", { encoding: "snappy", frame: frameOf(1, Buffer.from("xx")) }, "3"],
  ["damaged gzip", { encoding: "gzip", frame: frameOf(1, Buffer.from("xx")) }, "3"],
  ["damaged deflate", { encoding: "deflate", frame: frameOf(1, Buffer.from("xx")) }, "3"],
  ["an encoding nobody knows", { encoding: "br", frame: frameOf(1, Buffer.from("xx")) }, "12"],
  ["a method nobody knows", { path: "/logproto.Pusher/Pull", frame: frameOf(0, wholeMessage) }, ""],
];

for (const [name, call, want] of badCalls) {
  test(`${name} is answered with status ${want || "404"}`, async () => {
    await using running = await start();
    const found = await rawCall(running.url, call);
    if (want === "") assert.equal(found[":status"], 404);
    else assert.equal(found["grpc-status"], want);
    assert.equal(running.requests.length, 0);
  });
}

test("a message that is no protobuf is refused and not handed on", async () => {
  await using running = await start();
  const found = await rawCall(running.url, { frame: frameOf(0, Buffer.from("0aff", "hex")) });
  assert.match(String(found["grpc-status"]), /^(3|13)$/);
  assert.equal(running.requests.length, 0);
});

test("a call past its deadline is told so", async () => {
  await using running = await start({
    answer: async () => {
      await systemClock.sleep(100);
      return { status: 204, text: "" };
    },
  });
  const call = running.pusher().push({ streams }, { timeoutMs: 20 });
  assert.equal(await codeOf(call), "DeadlineExceeded");
});

test("health follows readiness, and pushes are UNAVAILABLE until then", async () => {
  await using running = await start();
  const health = createClient(Health, createGrpcTransport({ baseUrl: running.url }));
  assert.equal((await health.check({})).status, 1);
  running.notReady = "starting";
  assert.equal((await health.check({ service: "logproto.Pusher" })).status, 2);
  assert.equal(await codeOf(running.pusher().push({ streams })), "Unavailable");
  assert.equal(running.requests.length, 0);
});

test("closing waits for calls under way and takes no more", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const running = await start({
    answer: async () => {
      begun.resolve();
      await release.promise;
      return { status: 204, text: "" };
    },
  });
  const pusher = running.pusher();
  const underWay = codeOf(pusher.push({ streams }));
  await begun.promise;
  const closed = running.server.close();
  assert.equal(await codeOf(running.pusher().push({ streams })), "Unavailable");
  release.resolve();
  assert.equal(await underWay, "OK");
  await closed;
});

test("closing does not wait for ever", async () => {
  const begun = Promise.withResolvers<void>();
  const running = await start({
    closeTimeoutMs: 50,
    answer: () => {
      begun.resolve();
      return new Promise(() => {});
    },
  });
  const stuck = codeOf(running.pusher().push({ streams }));
  await begun.promise;
  await running.server.close();
  assert.notEqual(await stuck, "OK");
});

test("more calls at once than the limit are UNAVAILABLE, not queued", async () => {
  const release = Promise.withResolvers<void>();
  await using running = await start({
    answer: async () => {
      await release.promise;
      return { status: 204, text: "" };
    },
  });
  const connections = [running.pusher(), running.pusher(), running.pusher()];
  const calls = connections.flatMap((pusher) =>
    Array.from({ length: 100 }, () => codeOf(pusher.push({ streams }))),
  );
  const refused = await Promise.race(calls);
  assert.equal(refused, "Unavailable");
  release.resolve();
  const codes = await Promise.all(calls);
  assert.equal(codes.filter((code) => code === "OK").length, 256);
});

test("the descriptors read what Loki's clients write", () => {
  const http = fromBinary(HttpResponseSchema, Buffer.from("0890031a046e6f7065", "hex"));
  assert.equal(http.code, 400);
  assert.equal(Buffer.from(http.body).toString(), "nope");
  assert.equal(create(Pusher.method.push.output).$typeName, "logproto.PushResponse");
});

test("with a token file a call needs a token that may write for the tenant", async () => {
  const access: GrpcPorts["access"] = {
    authenticator: {
      identify: async ({ authorization, address }) => {
        assert.match(address, /127\.0\.0\.1$/);
        if (authorization === undefined) return undefined;
        if (authorization === "Bearer wrong") throw new RequestError(401, "unauthorized");
        const right = authorization === "Bearer reader" ? ("read" as const) : ("write" as const);
        const tenants = authorization === "Bearer all" ? ("*" as const) : ["a"];
        const rest = { secret: undefined, certificate: undefined, expiresMs: undefined };
        const credential = { name: "x", tenants, rights: new Set([right]), ...rest };
        return { credential, by: "token", current: () => credential };
      },
    },
  };
  await using running = await start({ authEnabled: true, access });
  const cases: readonly (readonly [headers: Record<string, string>, code: string])[] = [
    [{}, "Unauthenticated"],
    [{ "x-scope-orgid": "a" }, "Unauthenticated"],
    [{ authorization: "Bearer wrong" }, "Unauthenticated"],
    [{ authorization: "Bearer reader" }, "PermissionDenied"],
    [{ authorization: "Bearer writer", "x-scope-orgid": "b" }, "PermissionDenied"],
    [{ authorization: "Bearer all" }, "Unauthenticated"],
    [{ authorization: "Bearer writer" }, "a"],
    [{ authorization: "Bearer all", "x-scope-orgid": "c" }, "c"],
  ];
  for (const [headers, want] of cases) {
    const before = running.requests.length;
    const got = await running
      .pusher()
      .push({ streams }, { headers })
      .then(
        () => running.requests[before]?.tenant,
        (error: unknown) => Code[ConnectError.from(error).code],
      );
    assert.equal(got, want, JSON.stringify(headers));
  }
});

test("who is not known is refused before the message, and needs not be known for health", async () => {
  const access: GrpcPorts["access"] = {
    authenticator: {
      identify: async ({ authorization }) => {
        if (authorization === undefined) return undefined;
        throw new RequestError(401, "unauthorized");
      },
    },
  };
  await using running = await start({ authEnabled: true, access });
  const health = createClient(Health, createGrpcTransport({ baseUrl: running.url }));
  assert.equal((await health.check({}, { headers: { authorization: "Bearer old" } })).status, 1);
  const session = http2Connect(running.url);
  for (const headers of [{}, { authorization: "Bearer wrong" }]) {
    const path = "/logproto.Pusher/Push";
    const content = { "content-type": "application/grpc" };
    const call = session.request({ ":method": "POST", ":path": path, ...content, ...headers });
    // The message never ends.
    call.write(Buffer.from([0, 0, 0, 99, 99]));
    const [answer] = (await once(call, "response")) as [Record<string, string>];
    assert.equal(answer["grpc-status"], String(Code.Unauthenticated));
    await once(call.resume(), "close");
  }
  session.destroy();
});

test("pushes pass the same gate as over HTTP: no room is UNAVAILABLE, and what ends makes room", async () => {
  let places = 1;
  const entered: (readonly [string, number])[] = [];
  const admission: GrpcPorts["admission"] = {
    enter: (tenant, bytes) => {
      if (places === 0) throw new RequestError(503, "too many pushes at once");
      places--;
      entered.push([tenant, bytes]);
      return () => places++;
    },
    turns: { take: (_push, work) => work() },
  };
  const answer = Promise.withResolvers<GrpcPushReply>();
  await using running = await start({ admission, answer: () => answer.promise });
  const first = running.pusher().push({ streams });
  while (entered.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await codeOf(running.pusher().push({ streams })), "Unavailable");
  answer.resolve({ status: 204, text: "" });
  await first;
  assert.equal(places, 1);
  const bytes = streams.reduce((sum, stream) => sum + stream.length, 0);
  assert.deepEqual(entered, [["fake", bytes]]);
  assert.equal(await codeOf(running.pusher().push({ streams })), "OK");
});
