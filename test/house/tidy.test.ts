import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const fileLinesMax = 500;
const functionLinesMax = 70;
const lineColumnsMax = 100;
const blobBytesMax = 256 * 1024;

function trackedFiles(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
  return execFileSync("git", args, { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(root, path)));
}

const files = trackedFiles();
const sources = files.filter((path) =>
  /^(src|test|bench|scripts|web)\/.*\.(tsx?|css|mjs)$/.test(path),
);
const product = sources.filter((path) => /^(src|web)\//.test(path) && !path.endsWith(".gen.ts"));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** A kernel or a table may be longer when its file says why, in a comment that holds these words. */
const longFileExcuse = "Longer than the house allows because";

test("there is something to look at", () => {
  assert.ok(product.length > 20, `found ${product.length} files`);
});

test(`no file is over ${fileLinesMax} lines`, () => {
  for (const path of sources) {
    const text = read(path);
    const lines = text.split("\n").length - 1;
    if (text.includes(longFileExcuse)) continue;
    assert.ok(lines <= fileLinesMax, `${path} has ${lines} lines`);
  }
});

test(`no line is over ${lineColumnsMax} columns`, () => {
  for (const path of product) {
    for (const [index, line] of read(path).split("\n").entries()) {
      if (/https?:\/\/|`|"|'/.test(line)) continue;
      const tooLong = `${path}:${index + 1} has ${line.length} columns`;
      assert.ok(line.length <= lineColumnsMax || /^\s*(\/\/|\*|\/\*)/.test(line), tooLong);
    }
  }
});

/** Functions and methods by the formatter's indentation: from an opening line to the `}` of the same indent. */
function functionsOf(text: string): { name: string; line: number; length: number }[] {
  const lines = text.split("\n");
  const opening =
    /^(\s*)(?:export )?(?:static |private |protected |override |get |set )*(?:async )?(?:function\*? |\*?#?)([\w$]+)\s*(?:<[^()]*>)?\(.*\{$/;
  const control = new Set([
    "if",
    "for",
    "while",
    "switch",
    "catch",
    "function",
    "return",
    "test",
    "async",
  ]);
  // Calls that take a function, as components make them.
  for (const hook of ["useEffect", "useMemo", "effect"]) control.add(hook);
  const found: { name: string; line: number; length: number }[] = [];
  for (const [index, line] of lines.entries()) {
    const match = opening.exec(line);
    if (match === null || control.has(match[2]!)) continue;
    const end = lines.indexOf(`${match[1]}}`, index + 1);
    if (end > 0) found.push({ name: match[2]!, line: index + 1, length: end - index + 1 });
  }
  return found;
}

test(`no function is over ${functionLinesMax} lines`, () => {
  let count = 0;
  for (const path of product.filter((file) => !file.endsWith(".test.ts"))) {
    const text = read(path);
    for (const { name, line, length } of functionsOf(text)) {
      count++;
      const before = text
        .split("\n")
        .slice(Math.max(0, line - 12), line)
        .join("\n");
      if (before.includes(longFileExcuse)) continue;
      assert.ok(length <= functionLinesMax, `${path}:${line} ${name} has ${length} lines`);
    }
  }
  assert.ok(count > 50, `found ${count} functions`);
});

const bannedWords: readonly (readonly [RegExp, string])[] = [
  [/\b(FIXME|XXX|HACK|TODO)\b/, "finish it, or write it down where work is planned"],
  [/@ts-(ignore|nocheck|expect-error)/, "give it its type"],
  [/\bas any\b/, "give it its type"],
  [/\.only\(/, "a test runs with all the others"],
];

test("no banned word stands in the code", () => {
  for (const path of sources) {
    if (path === "test/house/tidy.test.ts") continue;
    for (const [word, instead] of bannedWords) {
      assert.ok(!word.test(read(path)), `${path} has ${word}: ${instead}`);
    }
  }
});

test("no file is called utils, helpers, common or misc", () => {
  for (const path of sources) {
    const name = basename(path).replace(/\..*$/, "");
    assert.ok(!/^(utils?|helpers?|common|misc)$/.test(name), `${path} says nothing by its name`);
  }
});

test("every document has one title", () => {
  for (const path of files.filter((file) => file.endsWith(".md"))) {
    const outsideFences = read(path).replace(/^```[\s\S]*?^```/gm, "");
    const titles = outsideFences.match(/^# .+$/gm) ?? [];
    assert.equal(titles.length, 1, `${path} has ${titles.length} titles`);
  }
});

test(`no file is over ${blobBytesMax / 1024} KiB`, () => {
  for (const path of files) {
    if (path === "package-lock.json") continue;
    const { size } = statSync(join(root, path));
    assert.ok(size <= blobBytesMax, `${path} has ${size} bytes`);
  }
});

test("every file magic has a page in docs/formats", () => {
  const pages = files.filter((path) => path.startsWith("docs/formats/")).map(read);
  for (const path of product) {
    for (const match of read(path).matchAll(/[mM]agic\w*\s*=\s*(?:Buffer\.from\()?"(\w{4,8})"/g)) {
      const magic = match[1]!;
      const isWritten = pages.some((page) => page.includes(magic));
      assert.ok(isWritten, `${path}: no page of docs/formats names ${magic}`);
    }
  }
});

/** What the running product may depend on; each has its page in docs/decisions. */
const runtimeDependencies: readonly string[] = [
  "@aws-sdk/client-s3",
  "@aws-sdk/credential-providers",
  "@azure/identity",
  "@azure/storage-blob",
  "@bufbuild/protobuf",
  "@codemirror/autocomplete",
  "@codemirror/commands",
  "@codemirror/language",
  "@codemirror/lint",
  "@codemirror/state",
  "@codemirror/view",
  "@connectrpc/connect",
  "@connectrpc/connect-node",
  "@fastify/websocket",
  "@google-cloud/storage",
  "@grafana/lezer-logql",
  "@lezer/common",
  "@lezer/highlight",
  "@lezer/lr",
  "@node-rs/crc32",
  "@preact/signals",
  "@smithy/node-http-handler",
  "big.js",
  "commander",
  "diff",
  "fastify",
  "google-auth-library",
  "ipaddr.js",
  "lz4-napi",
  "memjs",
  "node",
  "pino",
  "pprof-format",
  "preact",
  "prom-client",
  "rolldown",
  "snappy",
  "uplot",
  "vite",
  "ws",
  "xxhash-wasm",
  "yaml",
];

test("the product depends on what was decided, no more", () => {
  const { dependencies } = JSON.parse(read("package.json")) as {
    dependencies: Record<string, string>;
  };
  assert.deepEqual(Object.keys(dependencies).sort(), [...runtimeDependencies].sort());
  for (const [name, version] of Object.entries(dependencies)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is not pinned`);
  }
  const decisions = files
    .filter((path) => path.startsWith("docs/decisions/"))
    .map(read)
    .join("\n");
  for (const name of runtimeDependencies) {
    assert.ok(decisions.includes(`\`${name}\``), `no decision names ${name}`);
  }
});

test("tests are at home beside what they test", () => {
  for (const path of files.filter((file) => /^src\/.*\.test\.ts$/.test(file))) {
    assert.ok(dirname(path).split("/").length >= 2, path);
  }
});
