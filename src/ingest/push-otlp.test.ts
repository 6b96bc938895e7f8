import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtoWriter } from "#codec";
import { defaultLimits, type Limits } from "#config";
import { rowsOf, testDistributor, type TestRow, testNowNs } from "./push-test-kit.ts";

const text = (stringValue: string): object => ({ stringValue });
const attribute = (key: string, value: object): object => ({ key, value });
const ns = "1768003201000000000";

interface Request {
  readonly resource?: object[];
  readonly scope?: object;
  readonly record?: object;
}

function rowOf(request: Request, limits: Partial<Limits> = {}): TestRow | undefined {
  const record = { timeUnixNano: ns, body: text("line"), ...request.record };
  const scopeLogs = [{ scope: request.scope ?? {}, logRecords: [record] }];
  const resource = { attributes: request.resource ?? [attribute("service.name", text("svc"))] };
  const body = { resourceLogs: [{ resource, scopeLogs }] };
  const { reply, accepted } = testDistributor(limits).json(body, "otlp");
  assert.equal(reply.status, 204, reply.text);
  return rowsOf(accepted?.batch)[0];
}

test("default resource attributes become labels, the rest metadata", () => {
  const row = rowOf({
    resource: [
      attribute("service.name", text("svc")),
      attribute("k8s.pod.name", text("p")),
      attribute("host.name", text("h")),
    ],
    scope: { name: "lib", version: "1", attributes: [attribute("s", text("t"))] },
    record: {
      observedTimeUnixNano: "5",
      severityNumber: "SEVERITY_NUMBER_WARN2",
      severityText: "W",
      attributes: [attribute("n", { intValue: 5 }), attribute("f", { doubleValue: 0.25 })],
      droppedAttributesCount: 2,
      flags: 1,
      traceId: "0AF7651916CD43DD8448EB211C80319C",
      spanId: "b7ad6b7169203331",
    },
  });
  assert.equal(row?.labels, '{k8s_pod_name="p", service_name="svc"}');
  assert.equal(row?.ns, ns);
  assert.deepEqual(row?.metadata, {
    dropped_attributes_count: "2",
    f: "0.25",
    flags: "1",
    host_name: "h",
    n: "5",
    observed_timestamp: "5",
    s: "t",
    scope_name: "lib",
    scope_version: "1",
    severity_number: "14",
    severity_text: "W",
    span_id: "b7ad6b7169203331",
    trace_id: "0af7651916cd43dd8448eb211c80319c",
  });
});

const bodies: readonly (readonly [body: object | undefined, line: string])[] = [
  [undefined, ""],
  [text(""), ""],
  [{ intValue: "-9223372036854775808" }, "-9223372036854775808"],
  [{ doubleValue: 1e21 }, "1e+21"],
  [{ doubleValue: "NaN" }, "NaN"],
  [{ boolValue: false }, "false"],
  [{ bytesValue: "Ynl0ZXM=" }, "Ynl0ZXM="],
  [{ arrayValue: { values: [text("<a>"), { intValue: "2" }, {}] } }, '["\\u003ca\\u003e",2,null]'],
  [
    {
      kvlistValue: {
        values: [
          attribute("b", { boolValue: true }),
          attribute("a", { arrayValue: { values: [] } }),
          attribute("c", { kvlistValue: { values: [attribute("d", { bytesValue: "aGk=" })] } }),
        ],
      },
    },
    '{"a":[],"b":true,"c":{"d":"aGk="}}',
  ],
];
for (const [body, line] of bodies) {
  test(`the body ${JSON.stringify(body)} is the line ${line}`, () => {
    assert.equal(rowOf({ record: { body } })?.line, line);
  });
}

test("nested attributes are flattened, empty ones dropped, names made labels", () => {
  const nested = {
    kvlistValue: { values: [attribute("x.y", text("z")), attribute("e", text(""))] },
  };
  const row = rowOf({
    record: { attributes: [attribute("map", nested), attribute("9", text("n"))] },
  });
  assert.deepEqual(row?.metadata, { key_9: "n", map_x_y: "z" });
});

test("the time is the record's, else the observed one, else now", () => {
  assert.equal(rowOf({ record: { timeUnixNano: 0, observedTimeUnixNano: 7 } })?.ns, "7");
  assert.equal(rowOf({ record: { timeUnixNano: null } })?.ns, testNowNs.toString());
});

test("of equal names the scope's wins over the resource's and the record's", () => {
  const dup = (value: string): object => attribute("dup.attr", text(value));
  const row = rowOf({
    resource: [dup("resource")],
    scope: { attributes: [dup("scope")] },
    record: { attributes: [dup("record")] },
  });
  assert.equal(row?.metadata["dup_attr"], "scope");
  assert.equal(row?.labels, '{service_name="unknown_service"}');
});

test("a tenant's own rules decide", () => {
  const otlp = {
    ...defaultLimits.otlp,
    severityTextAsLabel: true,
    resourceAttributes: {
      ignoreDefaults: true,
      rules: [
        { action: "index_label", attributes: ["team"], regex: undefined },
        { action: "drop", attributes: [], regex: "secret.*" },
      ],
    },
    scopeAttributes: [{ action: "drop", attributes: ["s"], regex: undefined }],
    logAttributes: [{ action: "index_label", attributes: ["l"], regex: undefined }],
  } as const;
  const names = ["team", "secret.key", "my.secret", "service.name"];
  const row = rowOf(
    {
      resource: names.map((name) => attribute(name, text(name))),
      scope: { attributes: [attribute("s", text("1"))] },
      record: { severityText: "ERROR", attributes: [attribute("l", text("lbl"))] },
    },
    { otlp },
  );
  const labels = '{l="lbl", service_name="unknown_service", severity_text="ERROR", team="team"}';
  assert.equal(row?.labels, labels);
  assert.deepEqual(row?.metadata, {
    my_secret: "my.secret",
    service_name: "service.name",
    severity_text: "ERROR",
  });
});

test("values nested too deeply are refused", () => {
  let deep: object = text("x");
  for (let i = 0; i < 70; i++) deep = { arrayValue: { values: [deep] } };
  const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: deep }] }] }] };
  assert.equal(testDistributor().json(logs, "otlp").reply.status, 400);
  let bytes: Buffer = Buffer.alloc(0);
  for (let i = 0; i < 70; i++) {
    const list = new ProtoWriter();
    list.bytes(1, bytes, 0, bytes.length);
    const value = new ProtoWriter();
    value.bytes(5, list.finish(), 0, list.length);
    bytes = Buffer.from(value.finish());
  }
  for (const field of [5, 2, 2, 1]) {
    const outer = new ProtoWriter();
    outer.bytes(field, bytes, 0, bytes.length);
    bytes = Buffer.from(outer.finish());
  }
  const contentType = "application/x-protobuf";
  const { reply } = testDistributor().push({ kind: "otlp", contentType, body: bytes });
  assert.equal(reply.text, "attribute values are nested too deeply");
});

test("no record, no stream", () => {
  const contentType = "application/x-protobuf";
  const empty = { kind: "otlp", contentType, body: Buffer.alloc(0) } as const;
  assert.equal(testDistributor().push(empty).reply.status, 422);
  const scopes = { resourceLogs: [{ scopeLogs: [{}] }] };
  assert.equal(testDistributor().json(scopes, "otlp").reply.status, 422);
});
