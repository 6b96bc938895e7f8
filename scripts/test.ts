// What `npm test` runs after set-up: type check, lint, format check, then every test with node:test.
// With arguments: only the test files named (a path or part of one), without the checks.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

function run(title: string, command: string, args: readonly string[]): boolean {
  process.stderr.write(`── ${title}\n`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  return status === 0;
}

const wanted = process.argv.slice(2);
const all = globSync(["src/**/*.test.ts", "test/**/*.test.ts", "web/src/**/*.test.ts"], {
  cwd: root,
}).sort();
const files =
  wanted.length === 0 ? all : all.filter((file) => wanted.some((part) => file.includes(part)));
if (files.length === 0) {
  process.stderr.write("no test file matches\n");
  process.exit(1);
}

const checks: readonly (readonly [string, string, readonly string[]])[] =
  wanted.length > 0
    ? []
    : [
        ["type check", bin("tsc"), ["--noEmit"]],
        ["type check of the page", bin("tsc"), ["--noEmit", "-p", "web"]],
        [
          "type check of the page's tests",
          bin("tsc"),
          ["--noEmit", "-p", "web/tsconfig.test.json"],
        ],
        ["lint", bin("oxlint"), ["--type-aware", "--quiet"]],
        ["format", bin("biome"), ["format", "."]],
      ];
const failed = checks.filter(([title, command, args]) => !run(title, command, args));
const testArgs = ["--test", "--test-concurrency=2", "--test-timeout=600000", ...files];
const isGreen = run(`${files.length} test files`, process.execPath, testArgs);
for (const [title] of failed) process.stderr.write(`FAILED: ${title}\n`);
process.exit(isGreen && failed.length === 0 ? 0 : 1);
