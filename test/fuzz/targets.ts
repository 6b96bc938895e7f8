/** Every decoder that reads what others wrote, with what it may do: answer, or refuse in its way. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync, gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { parseTokenFile } from "#access";
import { isStoreError, MiB, RequestError } from "#base";
import { compressSnappyBlock, decompressBody, decompressSnappyBlock, ProtoWriter } from "#codec";
import { ConfigError, loadConfig } from "#config";
import { compileDocumentTemplate, compileTemplate, TemplateError } from "#gotemplate";
import { decodePushRecord, type PushKind } from "#ingest";
import { openLocalJournal } from "#journal";
import {
  formatQuery,
  ParseError,
  parseLabels,
  parseLogSelector,
  parseQuery,
  printExpr,
} from "#logql";
import { decodeChunkBlock, inspectChunk, openChunk } from "#lokichunk";
import { inspectIndex, readDeleteRequests, verifyIndex } from "#lokiindex";
import { decodePatterns, encodePatterns } from "#patterns";
import { compileRegex, RegexSyntaxError } from "#regex";
import { parseRuleFile, parseRuleGroup, RuleYamlError } from "#ruler";
import { inspectSegment } from "#segment";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import { checkPiece } from "../../src/frontend/cached-piece.ts";
import { testDistributor } from "../../src/ingest/push-test-kit.ts";
import { decodeDeleteRequest } from "../../src/lifecycle/delete-request.ts";
import { compressSnappyFrames, decompressSnappyFrames } from "../../src/grpc/snappy-frames.ts";
import { decodeRuleGroup } from "../../src/ruler/rule-proto.ts";
import { decodeWriteRecord, encodeWriteRecord } from "../../src/ruler/write-record.ts";
import type { FuzzTarget } from "./fuzzer.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const bucket = "test/fixtures/loki-bucket/gzip/bucket";
const deletes = "test/fixtures/loki-bucket/deletes/bucket";
const read = (path: string): Buffer => readFileSync(join(root, path));
const texts = (...all: string[]): Buffer[] => all.map((text) => Buffer.from(text));
const smallest = (pattern: string): Buffer =>
  globSync(pattern, { cwd: root })
    .map(read)
    .sort((a, b) => a.length - b.length)[0]!;

/** What a decoder may throw; everything else is a fault of ours. */
function mayThrow(isAllowed: (error: unknown) => boolean, task: () => unknown): void {
  try {
    task();
  } catch (error) {
    if (!isAllowed(error)) throw error;
  }
}

const isCorrupt = (error: unknown): boolean => isStoreError(error, "corrupt");
const isRefusal = (error: unknown): boolean => error instanceof RequestError && error.status < 500;
const isClass =
  (...kinds: (new (...args: never[]) => Error)[]) =>
  (error: unknown): boolean =>
    kinds.some((kind) => error instanceof kind);

const ns = "1768003201000000000";
const entry = `["${ns}","level=info x",{"a.b":"1"}]`;

function pushMessage(): Buffer {
  const writer = new ProtoWriter();
  const stream = writer.begin(1);
  writer.text(1, '{app="a"}');
  const one = writer.begin(2);
  const time = writer.begin(1);
  writer.tag(1, 0);
  writer.varint(1_768_003_201);
  writer.end(time);
  writer.text(2, "level=info x");
  writer.end(one);
  writer.end(stream);
  return Buffer.from(writer.finish());
}

const otlpMessage = Buffer.from(
  "CkUKFwoVCgxzZXJ2aWNlLm5hbWUSBQoDc3ZjEioSEwkAyltFizWJGCoICgZsaW5lIDESEwkAlPaAizWJGCoICgZsaW5lIDI=",
  "base64",
);

function pushTarget(name: string, kind: PushKind, contentType: string, seed: Buffer): FuzzTarget {
  const distributor = testDistributor({ discoverLogLevels: true });
  return {
    name,
    seeds: [seed],
    words: [
      "null",
      '"',
      "{",
      "}",
      "[",
      "]",
      '\\u0000"',
      "-1",
      "1e999",
      "9223372036854775808",
      "{}",
    ],
    run: (body) => {
      const { reply, accepted } = distributor.push({ kind, contentType, body });
      // Loki answers an empty name of structured metadata with 500, OTLP with 503.
      const isLokis = reply.status >= 500 && reply.text.includes("label name is empty");
      const isRefused = [400, 413, 422].includes(reply.status);
      assert.ok(reply.status < 300 || isRefused || isLokis, `${reply.status} ${reply.text}`);
      if (accepted !== undefined) decodePushRecord(Buffer.concat(accepted.record));
    },
  };
}

const pushes: readonly FuzzTarget[] = [
  pushTarget(
    "push-json",
    "loki",
    "application/json",
    Buffer.from(`{"streams":[{"stream":{"app":"a","b":"\\n"},"values":[${entry}]}]}`),
  ),
  pushTarget(
    "push-json-legacy",
    "loki-v0",
    "application/json",
    Buffer.from(
      '{"streams":[{"labels":"{a=\\"b\\"}","entries":[{"ts":"2026-01-10T00:00:01Z","line":"x"}]}]}',
    ),
  ),
  pushTarget("push-protobuf", "loki-message", "application/x-protobuf", pushMessage()),
  pushTarget(
    "otlp-json",
    "otlp",
    "application/json",
    Buffer.from(
      `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"${ns}","body":{"arrayValue":{"values":[{"intValue":"1"},{"kvlistValue":{"values":[]}}]}},"traceId":"","flags":1}]}]}]}`,
    ),
  ),
  pushTarget("otlp-protobuf", "otlp", "application/x-protobuf", otlpMessage),
];

const bodyLimits = { compressedBytesMax: MiB, rawBytesMax: MiB };
const encodings = ["gzip", "deflate", "zstd", "lz4"] as const;

const bodies: FuzzTarget = {
  name: "compressed-bodies",
  seeds: [
    Buffer.concat([Buffer.from([0]), gzipSync("hello hello hello")]),
    Buffer.concat([Buffer.from([1]), deflateSync("hello hello hello")]),
    Buffer.concat([Buffer.from([2]), zstdCompressSync("hello hello hello")]),
    Buffer.from("0304224d18604082040000006c696e650000000000", "hex"),
    Buffer.concat([Buffer.from([4]), compressSnappyBlock(Buffer.from("hello hello hello"))]),
    Buffer.concat([Buffer.from([0]), gzipSync(Buffer.alloc(3 * MiB))]),
    Buffer.concat([Buffer.from([2]), zstdCompressSync(Buffer.alloc(3 * MiB))]),
  ],
  run: (input) => {
    const encoding = encodings[(input[0] ?? 0) % (encodings.length + 1)];
    const body = input.subarray(1);
    mayThrow(isRefusal, () => {
      const raw =
        encoding === undefined
          ? decompressSnappyBlock(body, bodyLimits)
          : decompressBody(body, encoding, bodyLimits);
      assert.ok(raw.length <= bodyLimits.rawBytesMax, `${raw.length} bytes`);
    });
  },
};

async function replayJournal(bytes: Buffer): Promise<void> {
  const files = new SimulatedDisk();
  await files.makeFolder("/wal");
  {
    await using file = await files.open("/wal/0000000001.journal", {
      create: true,
      exclusive: true,
    });
    await file.write([bytes], 0);
  }
  const clock = new ManualClock({ nowMs: 0 });
  try {
    const random = seededRandom(1);
    const journal = await openLocalJournal({ files, clock, random, folder: "/wal" });
    for await (const { body } of journal.replay(journal.firstSequence)) {
      mayThrow(isCorrupt, () => decodePushRecord(body));
    }
    await journal.close();
  } catch (error) {
    if (!isCorrupt(error)) throw error;
  }
}

const chunkKey = "fake/ab/1:2:3";
const push = testDistributor().push({
  kind: "loki",
  contentType: "application/json",
  body: Buffer.from(`{"streams":[{"stream":{"app":"a"},"values":[${entry}]}]}`),
});
const stored: readonly FuzzTarget[] = [
  {
    name: "journal-file",
    seeds: [read("src/journal/testdata/version-1.journal").subarray(0, 4096)],
    run: replayJournal,
  },
  {
    name: "push-record",
    seeds: [Buffer.concat(push.accepted!.record)],
    run: (bytes) => mayThrow(isCorrupt, () => decodePushRecord(bytes)),
  },
  {
    name: "segment",
    seeds: [read("src/segment/testdata/golden-1.seg")],
    run: (bytes) => {
      const key = `v1/t/2026-01-10/00000000000000-00000000000001-${"0".repeat(28)}-0-${bytes.length - 1000}-1000.seg`;
      mayThrow(isCorrupt, () => inspectSegment(key, bytes));
    },
  },
  {
    name: "loki-chunk",
    seeds: [smallest(`${bucket}/*/*/M*`)],
    run: (bytes) => {
      mayThrow(isCorrupt, () => inspectChunk(chunkKey, bytes));
      mayThrow(isCorrupt, () => {
        const chunk = openChunk(chunkKey, bytes);
        const needs = { lines: true, lengths: true, metadata: "all" } as const;
        chunk.blocks.slice(0, 4).forEach((_, i) => decodeChunkBlock(chunk, i, needs));
      });
    },
  },
  {
    name: "loki-index",
    seeds: [gunzipSync(smallest(`${bucket}/index/*/*.tsdb.gz`))],
    run: (bytes) => {
      verifyIndex("fuzzed", bytes);
      mayThrow(isCorrupt, () => inspectIndex("fuzzed", bytes));
    },
  },
  {
    name: "loki-delete-requests",
    seeds: [
      gunzipSync(read(`${deletes}/index/delete_requests/delete_requests.gz`)).subarray(0, 32_768),
    ],
    run: (bytes) => mayThrow(isCorrupt, () => readDeleteRequests("fuzzed", bytes)),
  },
  {
    name: "patterns",
    seeds: [encodePatterns([]), Buffer.from("PTRN\u0001")],
    run: (bytes) => mayThrow(isCorrupt, () => decodePatterns(bytes)),
  },
  {
    name: "results-cache",
    seeds: [Buffer.alloc(64)],
    run: (bytes) => mayThrow(isCorrupt, () => checkPiece(bytes, "fuzzed")),
  },
  {
    name: "delete-request",
    seeds: texts(
      '{"format":"skald delete request","version":1,"id":"0","tenant":"t","query":"{a=\\"b\\"}","startMs":1,"endMs":2,"createdMs":3,"state":"received","erased":{"lines":0,"bytes":0},"leaving":[]}',
    ),
    words: ["null", "[]", "{}", "-1", "1e400"],
    run: (bytes) => mayThrow(isCorrupt, () => decodeDeleteRequest("fuzzed", bytes)),
  },
  {
    name: "rule-object",
    seeds: [Buffer.from('\n\u0001g\u0012\u0002ns\u001a\u0002\b<"\u0006\n\u0001e\u001a\u0001a')],
    run: (bytes) => mayThrow(isClass(Error), () => decodeRuleGroup(bytes, "rules/t/a/b")),
  },
  {
    name: "remote-write-queue",
    seeds: [
      Buffer.concat(
        encodeWriteRecord({
          tenant: "t",
          client: "c",
          sampleCount: 1,
          timeMs: 2,
          body: Buffer.from("x"),
        }),
      ),
    ],
    run: (bytes) => mayThrow(isCorrupt, () => decodeWriteRecord(bytes, 1)),
  },
  {
    name: "snappy-frames",
    seeds: [
      compressSnappyFrames(Buffer.from("level=info x")),
      compressSnappyFrames(Buffer.alloc(9_000)),
    ],
    run: (bytes) =>
      mayThrow(isRefusal, () => {
        assert.ok(decompressSnappyFrames(bytes, 8_000).length <= 8_000);
      }),
  },
];

const queries = texts(
  '{app="a", b=~"x.*", c!="", d!~"y"} |= "x" != `y` |~ "z" | json a="b.c[0]" | logfmt --strict | x>5kb and y!="1" or z<=1m',
  'sum by (a,b) (rate({a="b"} | pattern "<_> <c>" | unwrap duration(c) [5m] offset 1h)) / on(a) group_left(b) topk(3, count_over_time({c="d"}[1m])) > bool 2',
  '{a="b"} | line_format "{{.x}}" | label_format a=b,c="{{.d}}" | decolorize | drop a, b="c" | keep d | regexp "(?P<e>.*)"',
  'label_replace(vector(1), "a", "$1", "b", "(.*)") unless ignoring(x) quantile_over_time(0.9, {a="b"} | unwrap x [1m]) by (z)',
);
const queryWords = [
  "(",
  ")",
  "{",
  "}",
  "|",
  '"',
  "`",
  "[5m]",
  " by ",
  "rate(",
  "-",
  "or ",
  "offset ",
  "|=",
  "unwrap ",
];
const scope = {
  label: (name: string) => (name === "a" ? "x" : undefined),
  labels: () => [["a", "x"]] as const,
  line: () => "a line",
  timestampNs: () => 0n,
  nowNs: () => 0n,
};

const languages: readonly FuzzTarget[] = [
  {
    name: "logql",
    seeds: queries,
    words: queryWords,
    run: (bytes) => {
      const text = bytes.toString();
      mayThrow(isClass(ParseError), () => {
        const printed = printExpr(parseQuery(text));
        assert.equal(printExpr(parseQuery(printed)), printed, printed);
        formatQuery(parseQuery(text));
      });
    },
  },
  {
    name: "matchers",
    seeds: texts('{app="a", b=~"x.*", c!="", d!~"y"}', '{a="\\u00e9\\x00", b=`c`}'),
    words: queryWords,
    run: (bytes) => {
      const text = bytes.toString();
      mayThrow(isRefusal, () => parseLabels(text));
      mayThrow(isRefusal, () => parseLogSelector(text));
    },
  },
  {
    name: "regex",
    seeds: texts("(a+)+$|(?i:b{2,5})[^c-e\\d]\\p{Greek}", "(?P<x>a|b)*?\\bq.{0,30}", "(x+x+)+y"),
    words: ["(?:", ")*", "{1000}", "[[:alpha:]]", "\\pL", "|", "(?s)", "\\Q", "{2,}"],
    run: (bytes) =>
      mayThrow(isClass(RegexSyntaxError), () => {
        const regex = compileRegex(bytes.toString(), { anchored: false });
        regex.test("a".repeat(2_000));
        regex.find("xb ".repeat(500));
      }),
  },
  {
    name: "template",
    seeds: texts(
      '{{ if eq .a "x" }}{{ range $i, $x := . }}{{ $i }}{{ end }}{{ else }}{{ printf "%5d" 3 | upper }}{{ end }}',
      '{{ define "t" }}{{ .b | trunc 3 | repeat 9 }}{{ end }}{{ template "t" . }}{{ __line__ | replace "a" "b" }}',
    ),
    words: ["{{", "}}", "end", "range", "repeat 999999999 ", 'printf "%999999d"', "|", "$x", "( "],
    run: (bytes) => {
      const text = bytes.toString();
      mayThrow(isClass(TemplateError), () =>
        compileTemplate(text, { name: "line" }).execute(scope),
      );
      mayThrow(isClass(TemplateError), () =>
        compileDocumentTemplate(text, { name: "fuzzed", functions: {} }),
      );
    },
  },
];

const documents: readonly FuzzTarget[] = [
  {
    name: "config",
    seeds: texts(
      "auth_enabled: false\nserver: {http_listen_port: 3100}\nlimits_config: {retention_period: 24h}\n",
      "schema_config:\n  configs:\n    - {from: 2026-01-01, store: tsdb, object_store: s3, schema: v13, index: {prefix: i_, period: 24h}}\n",
      "a: &a [1, *a]\nb: !!binary x\n? c\n: d\n",
    ),
    words: ["&a ", "*a", "<<: ", "\t", "- ", ": ", "!!set", "${HOME}", "|\n", "'"],
    run: async (bytes) => {
      const readFile = (): Promise<string> => Promise.resolve(bytes.toString());
      try {
        await loadConfig({ argv: ["-config.file=/c.yaml"], env: {}, readFile, cwd: "/" });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
    },
  },
  {
    name: "rules-yaml",
    seeds: texts(
      'namespace: n\ngroups:\n  - name: g\n    interval: 1m\n    rules:\n      - alert: A\n        expr: sum(rate({a="b"}[1m])) > 1\n        for: 5m\n        labels: {x: y}\n        annotations: {s: "{{ $value }}"}\n',
    ),
    words: ["&a ", "*a", "<<: ", "- ", ": ", "record: ", "limit: -1"],
    run: (bytes) => {
      mayThrow(isClass(RuleYamlError), () => parseRuleFile(bytes.toString()));
      mayThrow(isClass(RuleYamlError), () => parseRuleGroup(bytes.toString()));
    },
  },
  {
    name: "token-file",
    seeds: texts(
      `credentials:\n  - name: collector\n    token_hash: "sha256:${"ab".repeat(32)}"\n    tenants: [team-a]\n    rights: [write]\n`,
    ),
    words: ["&a ", "*a", "- ", ": ", "rights: ", "null"],
    run: (bytes) => {
      const { credentials, problems } = parseTokenFile(bytes.toString());
      assert.ok(problems.length === 0 || credentials.length === 0);
    },
  },
];

export const targets: readonly FuzzTarget[] = [
  ...pushes,
  bodies,
  ...stored,
  ...languages,
  ...documents,
];
