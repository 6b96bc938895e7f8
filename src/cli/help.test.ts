import assert from "node:assert/strict";
import { test } from "node:test";
import { cli } from "./test-io.ts";

const linesMax = 40;
const columnsMax = 80;

async function words(...before: readonly string[]): Promise<string[]> {
  const { out } = await cli(["completion", "words", "--", ...before, ""]);
  return out.split("\n").filter((word) => word !== "");
}

const top = (await words()).filter((name) => name !== "serve" && name !== "help");
const paths: string[][] = [];
for (const name of top) {
  paths.push([name]);
  if (name !== "labels" && name !== "completion")
    for (const inner of await words(name)) paths.push([name, inner]);
}

test("there are commands to look at", () => {
  assert.ok(top.includes("query") && top.includes("explore") && paths.length > 25, top.join(" "));
});

for (const path of paths) {
  test(`skald ${path.join(" ")} --help fits a screen and has examples`, async () => {
    const { out, code } = await cli([...path, "--help"]);
    assert.equal(code, 0);
    assertFits(out);
    if (path.length === 1) assert.match(out, /\nExamples:\n +\S/);
  });
}

for (const topic of ["connection", "exit-codes", "output", "canary-flags"]) {
  test(`skald help ${topic} fits a screen`, async () => {
    assertFits((await cli(["help", topic])).out);
  });
}

test("skald help fits a screen of 48 lines and names every command", async () => {
  const { out } = await cli(["help"]);
  assertFits(out, 48);
  for (const name of top) assert.match(out, new RegExp(`\\b${name}\\b`), name);
});

function assertFits(text: string, most = linesMax): void {
  const lines = text.trimEnd().split("\n");
  assert.ok(lines.length <= most, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length <= columnsMax, `${line.length} columns: ${line}`);
}

test("words: commands, flags, values of flags, commands of commands", async () => {
  const of = async (...typed: readonly string[]): Promise<string> =>
    (await cli(["completion", "words", "--", ...typed])).out.trimEnd().replaceAll("\n", " ");
  assert.equal(await of("expl"), "explore explain");
  assert.match(await of("query", "--no-l"), /^--no-labels$/);
  assert.equal(await of("query", "-o", "ch"), "chart");
  assert.equal(await of("rules", "te"), "test");
  assert.equal(await of("help", "conn"), "connection");
});

for (const shell of ["bash", "zsh", "fish"]) {
  test(`${shell} gets a script`, async () => {
    assert.match((await cli(["completion", shell])).out, /completion words/);
  });
}

test("an unknown shell is refused", async () => {
  assert.equal((await cli(["completion", "tcsh"])).code, 2);
});
