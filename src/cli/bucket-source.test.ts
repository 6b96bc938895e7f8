import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { splitServerFlags } from "./bucket-source.ts";
import { cli } from "./test-io.ts";

describe("flags of the server among those of a command", () => {
  const rows: readonly [line: string, own: string, server: string][] = [
    ["bucket ls -config.file=a.yaml --tenant=x", "bucket ls --tenant=x", "-config.file=a.yaml"],
    ["bucket ls -config.file a.yaml --json", "bucket ls --json", "-config.file a.yaml"],
    ["bucket ls --config.file a.yaml", "bucket ls", "--config.file a.yaml"],
    ["bucket ls -config.expand-env --json", "bucket ls --json", "-config.expand-env"],
    ["bucket ls --store=a.b/c", "bucket ls --store=a.b/c", ""],
    ["bucket ls --store a.b", "bucket ls --store a.b", ""],
    ["bucket ls -q", "bucket ls -q", ""],
  ];
  for (const [line, own, server] of rows) {
    test(line, () => {
      const split = splitServerFlags(line.split(" "));
      assert.equal(split.own.join(" "), own);
      assert.equal(split.serverFlags.join(" "), server);
    });
  }
});

describe("help fits a screen and shows examples", () => {
  for (const name of ["", "ls", "stats", "verify", "migrate", "rebuild"]) {
    test(`skald bucket ${name}`, async () => {
      const { code, out } = await cli(["bucket", ...(name === "" ? [] : [name]), "--help"]);
      assert.equal(code, 0);
      assert.match(out, /Examples:\n {2}skald bucket /);
      const lines = out.split("\n");
      assert.ok(lines.length <= 32, `${lines.length} lines`);
      assert.ok(lines.every((line) => line.length <= 100));
    });
  }
});

describe("mistakes in flags are said, and nothing is done", () => {
  const rows: readonly [line: string, text: RegExp][] = [
    ["bucket ls --from=yesterday", /It is a day such as 2026-01-31/],
    ["bucket verify --sample=200", /above 0, up to 100/],
    ["bucket ls --schema=v11", /It is one of v12, v13, v14/],
    ["bucket nothing", /unknown command 'nothing'/],
  ];
  for (const [line, text] of rows) {
    test(line, async () => {
      const { code, err } = await cli(line.split(" "));
      assert.equal(code, 2);
      assert.match(err, text);
    });
  }
});
