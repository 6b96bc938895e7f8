import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteStrings } from "#columns";
import type { LogExpr } from "#logql";
import { Labels } from "#model";
import { compilePipeline } from "#pipeline";
import type { Block } from "#storage";
import { clustersMax, Drain } from "./drain.ts";
import { LineTokens, lineBytesMax, wordsMax } from "./line-tokens.ts";

function templatesOf(lines: readonly string[]): string[] {
  const drain = new Drain();
  const tokens = new LineTokens();
  for (const line of lines) {
    const bytes = Buffer.from(`${line}=tail of the next line`);
    tokens.read(bytes, 0, Buffer.byteLength(line));
    drain.addLines(drain.train(tokens, bytes, 0), 1, 1);
  }
  return [...drain.clusters()].map((cluster) => cluster.text());
}

const cases: readonly {
  readonly claim: string;
  readonly lines: readonly string[];
  readonly want: readonly string[];
}[] = [
  {
    claim: "words with digits are variables from the first line on",
    lines: ["Received block blk_38865049 of size 67108864 from /10.250.19.102"],
    want: ["Received block <_> of size <_> from <_>"],
  },
  {
    claim: "words in which similar lines differ become variables",
    lines: ["session opened for user alice", "session opened for user bob"],
    want: ["session opened for user <_>"],
  },
  {
    claim: "lines of too few common words stay apart",
    lines: ["starting the web server", "cannot reach database host"],
    want: ["starting the web server", "cannot reach database host"],
  },
  {
    claim: "keys of logfmt stay, whatever their values",
    lines: ['level=info msg="job done" took=3ms', 'level=warn msg="job done" took=4ms'],
    want: ['level=<_> msg="job done" took=<_>'],
  },
  {
    claim: "other keys are another template",
    lines: ["level=info took=3ms", "level=info size=3MB"],
    want: ["level=info took=<_>", "level=info size=<_>"],
  },
  {
    claim: "JSON keeps its punctuation",
    lines: ['{"ts":"2026-01-10","msg":"cache miss","n":1,"u":{"id":7}}'],
    want: ['{"ts":"<_>","msg":"cache miss","n":<_>,"u":{"id":<_>}}'],
  },
  {
    claim: "clock times and addresses are one word each",
    lines: ["10:15:00 listening on 127.0.0.1:3100: ok"],
    want: ["<_> listening on <_>: ok"],
  },
  {
    claim: "what would be read as a capture of the pattern is variable",
    lines: ["got <nil> from <b>"],
    want: ["got <_> from <_>"],
  },
  {
    claim: "words outside ASCII are words",
    lines: ["пользователь вошёл 7", "пользователь вышел 8"],
    want: ["пользователь <_> <_>"],
  },
  { claim: "an empty line is an empty template", lines: [""], want: [""] },
  {
    claim: "the rest of a long line is one variable",
    lines: [Array.from({ length: wordsMax + 9 }, () => "w").join(" ")],
    want: [`${"w ".repeat(wordsMax)}<_>`],
  },
  {
    claim: "a word cut by the limit on bytes is not taken for whole",
    lines: [`start of ${"x".repeat(lineBytesMax)}`],
    want: ["start of <_>"],
  },
];

for (const { claim, lines, want } of cases) {
  test(claim, () => assert.deepEqual(templatesOf(lines), want));
}

test("a word that is not UTF-8 is variable", () => {
  const drain = new Drain();
  const tokens = new LineTokens();
  const bytes = Buffer.from([0x61, 0x20, 0xff, 0xfe, 0x20, 0x62]);
  tokens.read(bytes, 0, bytes.length);
  assert.equal(drain.train(tokens, bytes, 0).text(), "a <_> b");
});

const words = fc.constantFrom("GET", "user", "failed", "for", "/x/y", "at:", 'say="hi"', "a,b");
const word = fc.oneof(
  { weight: 4, arbitrary: words },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);
const sentence = fc.array(word, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(" "));
const runs = { seed: 20, numRuns: 300 };

test("lines that differ in numbers alone have one template", () => {
  const number = fc.integer({ min: 0, max: 1e9 });
  const filled = (parts: readonly string[], numbers: readonly number[]): string =>
    parts.map((part, i) => `${part} ${numbers[i % numbers.length]}`).join(" ");
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 8 }), fc.array(number), (parts, ns) => {
      const other = ns.map((n) => n + 1);
      const lines = [filled(parts, [...ns, 1]), filled(parts, [...other, 2])];
      assert.equal(templatesOf(lines).length, 1);
    }),
    runs,
  );
});

test("a template matches, as a LogQL pattern, every line it was made from", () => {
  fc.assert(
    fc.property(fc.array(sentence, { minLength: 1, maxLength: 6 }), (lines) => {
      const drain = new Drain();
      const tokens = new LineTokens();
      const clusterOf = lines.map((line) => {
        const bytes = Buffer.from(line);
        tokens.read(bytes, 0, bytes.length);
        return drain.train(tokens, bytes, 0);
      });
      for (const [i, line] of lines.entries()) {
        const cluster = clusterOf[i]!;
        if (!cluster.hasWords) continue;
        assert.ok(matches(cluster.text(), line), `${cluster.text()} on ${line}`);
      }
    }),
    runs,
  );
});

function matches(pattern: string, line: string): boolean {
  const span = { from: 0, to: 0 };
  const alternatives = [{ text: pattern, isIp: false }];
  const stages = [{ kind: "lineFilter", op: "|>", alternatives, span }] as const;
  const log: LogExpr = { kind: "log", matchers: [], stages, span };
  const pipeline = compilePipeline(log, {
    labelsWanted: [],
    unwrap: undefined,
    nowNs: () => 0n,
  });
  let isFound = false;
  pipeline.run(blockOf(line), undefined, () => (isFound = true));
  return isFound;
}

function blockOf(line: string): Block {
  const lines = ByteStrings.ofTexts([line], 1);
  const stream = { entryCount: 1, lineBytes: lines.bytes.length - 1, minNs: 0n, maxNs: 0n };
  const facts = {
    ...stream,
    isAscii: false,
    hasInnerNewline: line.includes("\n"),
    streams: [{ ...stream, labels: Labels.empty }],
    levelCounts: new Map(),
    source: "test",
    sourceOrder: 0,
  };
  const offsets = new Float64Array(1);
  const rest = { streamOfRow: undefined, lengths: undefined, metadata: [] };
  return { ref: { facts }, rowCount: 1, baseNs: 0n, offsets, lines, ...rest };
}

test("templates are bounded, and the frequent ones stay", () => {
  const drain = new Drain();
  const tokens = new LineTokens();
  const train = (line: string): void => {
    const bytes = Buffer.from(line);
    tokens.read(bytes, 0, bytes.length);
    drain.addLines(drain.train(tokens, bytes, 0), 1, 1);
  };
  const letters = (n: number): string => n.toString(26).replace(/[0-9]/g, (d) => "qrstuvwxyz"[+d]!);
  for (let i = 0; i < 5_000; i++) {
    train("the one that comes again");
    train(`${letters(i)} ${"w ".repeat(i % 60)}${letters(i * 7)}`);
    assert.ok(drain.count <= clustersMax);
  }
  const texts = [...drain.clusters()].map((cluster) => cluster.text());
  assert.ok(texts.includes("the one that comes again"));
  assert.ok(drain.heapBytes < clustersMax * 3_000, `${drain.heapBytes} bytes`);
});
