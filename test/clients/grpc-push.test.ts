import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ProtoWriter } from "#codec";
import { need } from "../../scripts/debian-servers.ts";
import { freePort, type SkaldProcess, startSkald } from "../support/skald-process.ts";
import { readEntries } from "./read-back.ts";

/** gRPC's C library (python3-grpcio), which syslog-ng's `loki()` uses, against the real process. */
const { isThere, reason } = need(["python3-grpcio"]);
const client = join(dirname(fileURLToPath(import.meta.url)), "grpc-push.py");

const grpcPort = await freePort();
const skald: SkaldProcess = await startSkald({
  config: `
auth_enabled: true
common: {path_prefix: "\${DATA}"}
server:
  http_listen_address: 127.0.0.1
  http_listen_port: \${PORT}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: ${grpcPort}
`,
});
after(() => skald[Symbol.asyncDispose]());

const now = Math.floor(Date.now() / 1000);

/** Loki's PushRequest with one entry. */
function pushRequest(labels: string, line: string): Buffer {
  const writer = new ProtoWriter();
  const stream = writer.begin(1);
  writer.text(1, labels);
  const entry = writer.begin(2);
  const time = writer.begin(1);
  writer.tag(1, 0);
  writer.varint(now);
  writer.tag(2, 0);
  writer.varint(17);
  writer.end(time);
  writer.text(2, line);
  const pair = writer.begin(3);
  writer.text(1, "trace_id");
  writer.text(2, "4bf92f");
  writer.end(pair);
  writer.end(entry);
  writer.end(stream);
  return writer.finish();
}

interface Caller {
  readonly tenant: string;
  readonly compression: string;
  readonly method?: string;
}

function call(caller: Caller, messages: readonly Buffer[]): unknown[] {
  const { tenant, compression, method = "/logproto.Pusher/Push" } = caller;
  const input = messages.map((message) => `${message.toString("hex")}\n`).join("");
  const args = [client, `127.0.0.1:${grpcPort}`, tenant, compression, method];
  const ended = spawnSync("/usr/bin/python3", args, { input, encoding: "utf8", timeout: 60_000 });
  assert.equal(ended.status, 0, ended.stderr);
  const lines = ended.stdout.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as unknown);
}

const options = { skip: isThere ? false : reason };

for (const compression of ["none", "gzip", "deflate"]) {
  test(`a push of the C library, compressed with ${compression}`, options, async () => {
    const tenant = `grpc-${compression}`;
    const line = `over gRPC, ${"again ".repeat(500)}`;
    const answers = call({ tenant, compression }, [
      pushRequest('{app="shop"}', line),
      pushRequest("{app=}", "damaged labels"),
      Buffer.alloc(0),
    ]);
    assert.deepEqual(answers.slice(0, 2), [
      ["health", "0801"],
      ["OK", ""],
    ]);
    assert.match(JSON.stringify(answers[2]), /INVALID_ARGUMENT.*couldn't parse labels/);
    assert.match(JSON.stringify(answers[3]), /INVALID_ARGUMENT.*at least one valid stream/);
    const entries = await readEntries(skald.url, `{app="shop"}`, tenant);
    assert.deepEqual(
      entries.map((entry) => [entry.line, entry.timeNs, entry.metadata["trace_id"]]),
      [[line, `${now}000000017`, "4bf92f"]],
    );
  });
}

test("a push without a tenant is UNAUTHENTICATED where one is needed", options, () => {
  const [, answer] = call({ tenant: "", compression: "none" }, [pushRequest('{app="shop"}', "x")]);
  assert.deepEqual(answer, ["UNAUTHENTICATED", "no org id"]);
});

test("OpenTelemetry's exporter delivers over gRPC, gzip as by default", options, async () => {
  const writer = new ProtoWriter();
  const resource = writer.begin(1);
  const scope = writer.begin(2);
  const record = writer.begin(2);
  writer.tag(1, 1);
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(BigInt(now) * 1_000_000_000n);
  writer.raw(time, 0, time.length);
  writer.text(3, "ERROR");
  const body = writer.begin(5);
  writer.text(1, "from a collector");
  writer.end(body);
  writer.end(record);
  writer.end(scope);
  writer.end(resource);
  const caller: Caller = {
    tenant: "grpc-otlp",
    compression: "gzip",
    method: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  };
  const [, answer] = call(caller, [writer.finish()]);
  assert.deepEqual(answer, ["OK", ""]);
  const entries = await readEntries(skald.url, `{service_name="unknown_service"}`, "grpc-otlp");
  assert.deepEqual(
    entries.map(({ line, metadata }) => [line, metadata["detected_level"]]),
    [["from a collector", "error"]],
  );
});
