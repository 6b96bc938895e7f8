import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJsonPath, parseLogfmtKey } from "./field-path.ts";
import { compileIpMatcher } from "./ip-pattern.ts";
import { parsePattern } from "./pattern.ts";

test("a pattern is literals and captures", () => {
  const literal = (text: string) => ({ kind: "literal", text });
  const capture = (name?: string) => ({ kind: "capture", name });
  const cases: readonly (readonly [pattern: string, parts: readonly unknown[]])[] = [
    ["<a> - <_>", [capture("a"), literal(" - "), capture()]],
    ["[<a>] <1x> <é>", [literal("["), capture("a"), literal("] <1x> <é>")]],
    ["<<a>>", [literal("<"), capture("a"), literal(">")]],
  ];
  for (const [pattern, parts] of cases) {
    assert.deepEqual(parsePattern(pattern, { mode: "capture" }), parts);
  }
  assert.deepEqual(parsePattern("", { mode: "filter" }), []);
  assert.deepEqual(parsePattern("<_>x", { mode: "filter" }), [capture(), literal("x")]);
});

test("a pattern says what is wrong with it", () => {
  const capture = { mode: "capture" } as const;
  assert.throws(
    () => parsePattern("", capture),
    /unexpected \$end, expecting IDENTIFIER or LITERAL/,
  );
  assert.throws(() => parsePattern("<_> x", capture), /^Error: at least one capture is required$/);
  assert.throws(() => parsePattern("<a><_>", capture), /found consecutive capture '<a><_>'/);
  assert.throws(() => parsePattern("<a> <a>", capture), /duplicate capture name \(a\)/);
  assert.throws(() => parsePattern("<a>", { mode: "filter" }), /named captures are not allowed/);
  assert.throws(() => parsePattern("<_><_>", { mode: "filter" }), /found consecutive capture/);
});

test("an address pattern covers addresses of its family", () => {
  const cases: readonly (readonly [pattern: string, inside: string[], outside: string[]])[] = [
    ["10.0.0.1", ["10.0.0.1"], ["10.0.0.2", "10.0.0.01", "x", "", "10.0.0.1.", "10.0.0"]],
    ["10.1.2.3/8", ["10.0.0.0", "10.255.255.255"], ["11.0.0.0", "::10.0.0.1"]],
    ["0.0.0.0/0", ["255.255.255.255"], ["::1", "256.1.1.1", "::ffff:1.2.3.4"]],
    ["10.0.0.9-10.0.1.0", ["10.0.0.9", "10.0.0.255", "10.0.1.0"], ["10.0.0.8", "10.0.1.1"]],
    ["2001:db8::/32", ["2001:db8::1", "2001:DB8:0:0:0:0:0:1"], ["2001:db9::1", "fe80::1%eth0"]],
    ["::/0", ["::1", "::ffff:1.2.3.4"], ["1.2.3.4"]],
  ];
  for (const [pattern, inside, outside] of cases) {
    const covers = compileIpMatcher(pattern);
    for (const address of inside) assert.ok(covers(address), `${pattern} covers ${address}`);
    for (const address of outside) assert.ok(!covers(address), `${pattern} and ${address}`);
  }
});

test("what is no address pattern is refused", () => {
  const bad = ["", "300.1.1.1", "10.0.0.0/33", "10.0.0.0/08", "::/129", "10.0.0.9-10.0.0.1", "a-b"];
  for (const pattern of [...bad, "1.1.1.1-::2", "1.2.3", "10.0.0.0/", "10.0.0.0/-1"]) {
    assert.throws(() => compileIpMatcher(pattern), new RegExp(`ip: invalid pattern: "${pattern}"`));
  }
});

test("a JSON path names keys and indexes", () => {
  assert.deepEqual(parseJsonPath('a.b[0]["c d"].e'), ["a", "b", 0, "c d", "e"]);
  assert.deepEqual(parseJsonPath('["a.b"]'), ["a.b"]);
  const faults: readonly (readonly [path: string, fault: string])[] = [
    ["", "syntax error: unexpected $end, expecting LSB or FIELD"],
    ["a..b", "syntax error: unexpected DOT, expecting FIELD"],
    ["a[b]", "syntax error: unexpected FIELD, expecting STRING or INDEX"],
    ["a[0", "syntax error: unexpected $end, expecting RSB"],
    ["a b", "syntax error: unexpected FIELD"],
    ["a-b", "unexpected char -"],
  ];
  for (const [path, fault] of faults) {
    assert.throws(() => parseJsonPath(path), {
      message: `cannot parse expression [${path}]: ${fault}`,
    });
  }
});

test("a logfmt path is one key", () => {
  assert.equal(parseLogfmtKey("level"), "level");
  assert.equal(parseLogfmtKey('"my key"'), "my key");
  assert.throws(() => parseLogfmtKey(""), /unexpected \$end, expecting STRING or KEY/);
  assert.throws(() => parseLogfmtKey("a b"), /unexpected KEY/);
  assert.throws(() => parseLogfmtKey("a.b"), /unexpected char \./);
});
