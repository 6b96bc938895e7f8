import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "#world";
import {
  hashPassword,
  hashToken,
  isPassword,
  parseSecretHash,
  printSecretHash,
} from "./secret-hash.ts";
import { parseTokenFile } from "./token-file.ts";

const hash = printSecretHash(hashToken("a token of a test, long enough for one"));

function row(changes: Readonly<Record<string, unknown>>): string {
  const plain = { name: "a", token_hash: hash, tenants: ["t"], rights: ["read"] };
  return JSON.stringify({ credentials: [{ ...plain, ...changes }] });
}

test("a file in YAML is read, with all that a credential may have", () => {
  const { credentials, problems } = parseTokenFile(`
credentials:
  - name: collector
    token_hash: "${hash}"
    tenants: [b, a, b]
    rights: [write]
    expires: 2027-01-31T00:00:00Z
  - name: ops
    client_certificate: {common_name: ops.example.org, sha256: "${"AB:".repeat(31)}AB"}
    tenants: "*"
    rights: "*"
`);
  assert.deepEqual(problems, []);
  const [collector, ops] = credentials;
  assert.deepEqual(collector?.tenants, ["a", "b"]);
  assert.equal(collector?.expiresMs, Date.UTC(2027, 0, 31));
  assert.deepEqual([...(ops?.rights ?? [])], ["read", "write", "delete", "rules", "admin"]);
  assert.deepEqual(ops?.certificate, {
    commonName: "ops.example.org",
    fingerprint: "ab".repeat(32),
  });
});

const wrong: readonly (readonly [about: string, text: string, problem: RegExp])[] = [
  ["no list", "tokens: []", /expected one key, credentials/],
  ["nothing", "", /expected one key, credentials/],
  ["no YAML", "credentials: [", /line 1: not YAML/],
  ["a text instead of a row", '{"credentials": ["x"]}', /credentials\[0\]: expected name/],
  ["a name with a line feed", row({ name: "a\nb" }), /name: expected letters/],
  ["an unknown key", row({ password: "x" }), /no key of this name.*: password/],
  ["no tenants", row({ tenants: [] }), /tenants: expected a list/],
  ["a tenant that is a path", row({ tenants: ["../.."] }), /unsupported character/],
  ["two dots", row({ tenants: [".."] }), /'.' or '..'/],
  ["an unknown right", row({ rights: ["root"] }), /rights: expected a list of read/],
  ["no secret", row({ token_hash: undefined }), /expected token_hash, password_hash/],
  ["a token itself", row({ token_hash: "skald_secret" }), /token_hash: expected sha256/],
  ["the wrong kind", row({ token_hash: undefined, password_hash: hash }), /expected scrypt/],
  ["no time", row({ expires: "soon" }), /expires: expected a time/],
  ["no certificate", row({ client_certificate: { cn: "x" } }), /expected common_name/],
];

for (const [about, text, problem] of wrong) {
  test(`one mistake and nothing counts: ${about}`, () => {
    const reading = parseTokenFile(text);
    assert.match(reading.problems.join("\n"), problem);
    assert.deepEqual(reading.credentials, []);
  });
}

test("problems never show what may be a secret in the wrong place", () => {
  for (const text of [
    row({ "Secret-Passw0rd": 1 }),
    row({ token_hash: "Secret-Passw0rd" }),
    row({ name: "Secret-Passw0rd:x" }),
    "credentials: [ {Secret-Passw0rd",
  ]) {
    const { problems } = parseTokenFile(text);
    assert.ok(problems.length > 0);
    assert.doesNotMatch(problems.join(), /Secret-Passw0rd/);
  }
});

test("two of one name, or of one token, are a mistake", () => {
  const one = { name: "a", token_hash: hash, tenants: ["t"], rights: ["read"] };
  const twice = parseTokenFile(JSON.stringify({ credentials: [one, one] }));
  assert.match(twice.problems.join(), /another one of this name.*another credential has the same/s);
});

test("YAML that grows when it is read is refused", () => {
  const names = "abcdefgh".split("");
  const bomb = names.map((name, i) => {
    const items = i === 0 ? "x," : `*${names[i - 1]},`;
    return `${name}: &${name} [${items.repeat(9)}]`;
  });
  assert.notDeepEqual(parseTokenFile(bomb.join("\n")).problems, []);
});

test("a password is known again from its printed hash, another one is not", async () => {
  const printed = printSecretHash(await hashPassword("pässword", seededRandom(1)));
  const stored = parseSecretHash(printed);
  assert.ok(stored?.kind === "scrypt");
  assert.equal(await isPassword("pässword", stored), true);
  // The same letters, put together from others.
  assert.equal(await isPassword("pa\u0308ssword", stored), true);
  assert.equal(await isPassword("password", stored), false);
});

const noHashes = [
  "scrypt:1048576:8:1:AAAAAAAAAAAAAAAAAAAAAA:" + "A".repeat(43),
  "scrypt:32768:64:1:AAAAAAAAAAAAAAAAAAAAAA:" + "A".repeat(43),
  "scrypt:1000:8:1:AAAAAAAAAAAAAAAAAAAAAA:" + "A".repeat(43),
  "scrypt:32768:8:9:AAAAAAAAAAAAAAAAAAAAAA:" + "A".repeat(43),
  "scrypt:32768:8:1:AAAA:" + "A".repeat(43),
  "sha256:abc",
  "md5:abc",
];

test("hashes that cost too much or are none are refused", () => {
  for (const text of noHashes) assert.equal(parseSecretHash(text), undefined, text);
});

test("a file of nothing but mistakes, or of thousands of levels, is refused soon and shortly", () => {
  for (const text of ["|\n".repeat(16_000), "<<: ".repeat(8_000), "[".repeat(8_000)]) {
    const { credentials, problems } = parseTokenFile(text);
    assert.deepEqual(credentials, []);
    assert.ok(problems.length > 0 && problems.length <= 20, `${problems.length} problems`);
  }
});
