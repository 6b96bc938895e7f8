import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startSkald } from "../support/skald-process.ts";

const program = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "skald");
const tailWithinMs = 10_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface RunOptions {
  readonly url: string;
  readonly input?: string;
  /** Ctrl-C when the output satisfies this. */
  readonly isEnough?: (out: string) => boolean;
  /** Called once when the command printed something or after a moment. */
  readonly onStart?: () => Promise<void>;
}

async function skald(args: readonly string[], options: RunOptions): Promise<Ended> {
  const env = { ...process.env, LOKI_ADDR: options.url };
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  const text = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text.out += part;
    if (options.isEnough?.(text.out) === true) child.kill("SIGINT");
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text.err += part;
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const timer = setTimeout(() => child.kill("SIGKILL"), tailWithinMs);
  await options.onStart?.();
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, ...text };
}

async function succeed(args: readonly string[], options: RunOptions): Promise<string> {
  const ended = await skald(args, options);
  assert.equal(ended.code, 0, `skald ${args.join(" ")}: ${ended.err}`);
  return ended.out;
}

test("pushes, queries, labels, series and files through bin/skald", async () => {
  await using server = await startSkald();
  const { url } = server;
  const lines = Array.from({ length: 2500 }, (_, i) => `line ${i} of the app`);
  await succeed(["push", "--label", "app=a", "-q"], { url, input: `${lines.join("\n")}\n` });
  await succeed(["push", "--label=app=b", "-q"], { url, input: "twin\ntwin\n" });

  const all = ["query", "-o", "raw", "--limit=0", "--forward", "-q"];
  assert.deepEqual((await succeed([...all, '{app="a"}'], { url })).trimEnd().split("\n"), lines);
  assert.equal(await succeed([...all, '{app="b"}'], { url }), "twin\ntwin\n");
  const found = await succeed([...all, '{app="a"} |= "line 77 "'], { url });
  assert.equal(found, "line 77 of the app\n");

  const names = (await succeed(["labels"], { url })).split("\n");
  for (const name of ["app", "job"]) assert.ok(names.includes(name), names.join());
  assert.equal(await succeed(["labels", "app"], { url }), "a\nb\n");
  assert.match(await succeed(["series", '{app="a"}'], { url }), /^\{app="a", job="skald-push"/);
  assert.match(await succeed(["stats", '{app="a"}'], { url }), / entries: 2500\n/);

  const count = 'sum by (app) (count_over_time({job="skald-push"}[1h]))';
  const samples = JSON.parse(await succeed(["instant-query", count], { url })) as {
    metric: { app: string };
    value: [number, string];
  }[];
  const counts = new Map(samples.map(({ metric, value }) => [metric.app, value[1]]));
  assert.deepEqual([counts.get("a"), counts.get("b"), counts.size], ["2500", "2", 2]);

  const exported = await succeed([...all.slice(0, 2), "jsonl", ...all.slice(3), '{app="b"}'], {
    url,
  });
  const copy = exported.replaceAll('"app":"b"', '"app":"copy"');
  await succeed(["push", "--format=jsonl", "-q"], { url, input: copy });
  const jsonl = ["query", "-o", "jsonl", "--limit=0", "--forward", "-q", '{app="copy"}'];
  assert.equal(await succeed(jsonl, { url }), copy);

  const wrong = await skald(["query", '{app="a"} | | "x"'], { url });
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /parse error at line 1, col \d+: .*\n {2}\{app="a"\} \| \| "x"\n +\^\n/);
});

test("a tail prints what is pushed meanwhile, and Ctrl-C ends it with 0", async () => {
  await using server = await startSkald();
  const { url } = server;
  let round = 0;
  let isDone = false;
  const push = async (): Promise<void> => {
    while (!isDone && round < 40) {
      await succeed(["push", "-l", "app=t", "-q"], { url, input: `round ${round++}\n` });
    }
  };
  let pushing: Promise<void> = Promise.resolve();
  const ended = await skald(["tail", "-o", "raw", '{app="t"}'], {
    url,
    isEnough: (out) => out.includes("round 2"),
    onStart: async () => {
      pushing = push();
      await Promise.resolve();
    },
  });
  isDone = true;
  await pushing;
  assert.equal(ended.code, 0, ended.err);
  const seen = ended.out.trimEnd().split("\n");
  assert.deepEqual(
    seen,
    seen.map((_, i) => `round ${i}`),
  );
});

test("journal files of a running server can be inspected", async () => {
  await using server = await startSkald();
  const { url, folder } = server;
  await succeed(["push", "-q"], { url, input: "one\n" });
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".journal"))
    .map((name) => join(folder, name));
  assert.ok(files.length > 0, "no journal file");
  const out = await succeed(["inspect", ...files], { url });
  assert.match(out, /record 1: \d+ bytes, tenant fake, 1 streams, 1 entries\n/);
});

test("no server: exit code 1 and how to start one; a wrong flag: 2", async () => {
  const url = "http://127.0.0.1:1";
  const ended = await skald(["labels"], { url });
  assert.equal(ended.code, 1);
  assert.match(ended.err, /cannot reach http:\/\/127\.0\.0\.1:1[\s\S]*skald serve/);
  assert.equal((await skald(["labels", "--nonsense"], { url })).code, 2);
});

test("rules of files become those of a server, and are then the same", async () => {
  await using server = await startSkald();
  const { url, folder } = server;
  const file = join(folder, "shop.yaml");
  const text = (more: string): string => `groups:
  - name: errors
    interval: 1m
    rules:
      - alert: Many
        expr: |
          sum by (app) (count_over_time({app=~".+"} |= "error" [5m])) > 2
        annotations: {lines: '{{ lines 2 }}', note: "tab\\there: \\"x\\""}
${more}`;
  writeFileSync(file, text("      - {record: 'a:b', expr: 'sum(rate({app=~\".+\"}[1m]))'}\n"));
  assert.match(await succeed(["rules", "diff", file], { url }), /1 to create/);
  assert.match(await succeed(["rules", "sync", file], { url }), /^created shop\/errors$/m);
  await succeed(["rules", "diff", "--exit-code", file], { url });
  assert.match(await succeed(["rules", "list"], { url }), /^shop +errors +1 +1 +1m$/m);
  writeFileSync(file, text(""));
  assert.match(await succeed(["rules", "sync", file], { url }), /^replaced shop\/errors$/m);
  writeFileSync(file, "namespace: other\n");
  assert.match(await succeed(["rules", "sync", file], { url }), /^deleted shop\/errors$/m);
  assert.equal(await succeed(["rules", "list"], { url }), "");
});
