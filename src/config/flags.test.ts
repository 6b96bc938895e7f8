import assert from "node:assert/strict";
import { test } from "node:test";
import { readFlags } from "./flags.ts";
import { allSettings } from "./settings.ts";
import type { Value } from "./value-types.ts";

const values: readonly (readonly [argv: string, path: string, want: Value])[] = [
  ["-server.http-listen-port=80", "server.http_listen_port", 80],
  ["--server.http-listen-port=80", "server.http_listen_port", 80],
  ["-server.http-listen-port 80", "server.http_listen_port", 80],
  ["--server.http-listen-port 80", "server.http_listen_port", 80],
  ["-auth.enabled", "auth_enabled", true],
  ["-auth.enabled=false", "auth_enabled", false],
  ["-target=read,write", "target", ["read", "write"]],
  ["-log.level warn", "server.log_level", "warn"],
  ["-ingester.chunks-idle-period=1h", "ingester.chunk_idle_period", 3_600_000],
  ["-validation.max-line-size=1KB", "limits_config.max_line_size", 1024],
  ["-distributor.max-line-size=1KB", "limits_config.max_line_size", 1024],
  ["-querier.query-timeout=2m", "limits_config.query_timeout", 120_000],
  ["-runtime-config.file=a,b", "runtime_config.file", ["a", "b"]],
  ["-memberlist.join=x -legacy-read-mode -auth.enabled", "auth_enabled", true],
  ["-server.path-prefix=/a=b", "server.http_path_prefix", "/a=b"],
];

for (const [argv, path, want] of values) {
  test(`${argv} sets ${path}`, () => {
    const flags = readFlags(argv.split(" "));
    assert.deepEqual(flags.problems, []);
    assert.deepEqual(flags.values.get(path), want);
  });
}

const problems: readonly (readonly [argv: string, want: string])[] = [
  [
    "-server.http-port=80",
    "unknown flag -server.http-port; did you mean -server.http-listen-port?",
  ],
  [
    "-server.http_listen_port=80",
    "unknown flag -server.http_listen_port; did you mean -server.http-listen-port?",
  ],
  ["-cofig.file=x", "unknown flag -cofig.file; did you mean -config.file?"],
  ["-zzz", "unknown flag -zzz; -help lists them"],
  ["-target", "-target: needs a value"],
  ["-auth.enabled false", 'unexpected argument "false"; write -auth.enabled=false'],
  ["serve", 'unexpected argument "serve"'],
  ["-server.http-listen-port=x", '-server.http-listen-port: expected a whole number, found "x"'],
];

for (const [argv, want] of problems) {
  test(`${argv} is refused`, () => {
    assert.deepEqual(readFlags(argv.split(" ")).problems, [want]);
  });
}

const actions = [
  ["-h", "help"],
  ["--help", "help"],
  ["-version", "version"],
  ["-list-targets", "list-targets"],
  ["-verify-config", "verify"],
  ["-verify-config=false", "run"],
  ["-config.expand-env", "run"],
] as const;

for (const [argv, want] of actions) {
  test(`${argv} asks to ${want}`, () => assert.equal(readFlags([argv]).action, want));
}

test("switches are read", () => {
  const flags = readFlags(["-config.expand-env=true", "-print-config-stderr", "-config.file=a,b"]);
  assert.equal(flags.expandEnv, true);
  assert.equal(flags.printConfigStderr, true);
  assert.equal(flags.logConfigReversed, false);
  assert.deepEqual(flags.configFiles, ["a", "b"]);
});

test("no two settings share a path or a flag", () => {
  const flags = allSettings.flatMap(({ flag }) => (flag === undefined ? [] : [flag]));
  assert.equal(new Set(flags).size, flags.length);
  assert.equal(new Set(allSettings.map(({ path }) => path)).size, allSettings.length);
});
