import assert from "node:assert/strict";
import { test } from "node:test";
import { hashToken, parseTokenFile, printSecretHash } from "#access";
import { SimulatedDisk } from "#world";
import { cli } from "./test-io.ts";

const makeArguments = ["--name=robot", "--tenant=a", "--tenant=b", "--right=write"];

test("new prints an entry of the token file; the token is on stderr and nowhere else", async () => {
  const { code, out, err } = await cli(["token", "new", ...makeArguments]);
  assert.equal(code, 0);
  const token = /skald_[\w-]{43}/.exec(err)?.[0] ?? "";
  assert.ok(!out.includes(token));
  const { credentials, problems } = parseTokenFile(`credentials:\n${out}`);
  assert.deepEqual(problems, []);
  assert.deepEqual(credentials[0]?.tenants, ["a", "b"]);
  assert.ok(out.includes(printSecretHash(hashToken(token))));
});

test("new takes a password from standard input, without its line end", async () => {
  const args = ["token", "new", "--name=anna", "--tenant=*", "--right=read", "--password"];
  const { code, out } = await cli(args, { stdin: ["correct ", "horse\n"] });
  assert.equal(code, 0);
  assert.match(out, /password_hash: "scrypt:32768:8:1:/);
  assert.match(out, /tenants: "\*"/);
});

const wrong: readonly (readonly [about: string, args: readonly string[], err: RegExp])[] = [
  ["no tenant", ["--name=x", "--right=read"], /tenants: expected a list/],
  ["a wrong right", ["--name=x", "--tenant=a", "--right=rule"], /rights: expected a list/],
  ["a wrong tenant", ["--name=x", "--tenant=..", "--right=read"], /'.' or '..'/],
  ["no name", ["--tenant=a", "--right=read"], /--name/],
  ["a wrong time", [...makeArguments, "--expires=soon"], /expires: expected a time/],
];

for (const [about, args, message] of wrong) {
  test(`new refuses ${about} and prints no token`, async () => {
    const { code, out, err } = await cli(["token", "new", ...args]);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, message);
    assert.doesNotMatch(err, /skald_/);
  });
}

test("hash refuses what can be guessed", async () => {
  const short = await cli(["token", "hash"], { stdin: ["hunter2\n"] });
  assert.equal(short.code, 1);
  assert.doesNotMatch(short.err, /hunter2/);
  const long = await cli(["token", "hash"], { stdin: ["x".repeat(40)] });
  assert.equal(long.out.trim(), printSecretHash(hashToken("x".repeat(40))));
});

test("list shows who may do what, and what is wrong", async () => {
  const disk = new SimulatedDisk();
  await disk.makeFolder("/home");
  const put = async (text: string): Promise<void> => {
    await disk.remove("/home/t.yaml");
    await using file = await disk.open("/home/t.yaml", { create: true, exclusive: false });
    await file.write([Buffer.from(text)], 0);
  };
  const made = await cli(["token", "new", ...makeArguments, "--expires=2027-01-31T00:00:00Z"]);
  await put(`credentials:\n${made.out}`);
  const { code, out } = await cli(["token", "list", "t.yaml"], { files: disk });
  assert.equal(code, 0);
  assert.match(out, /^robot +token +a,b +write +2027-01-31T00:00:00\.000Z$/m);
  await put("credentials: [{name: x}]");
  const wrongFile = await cli(["token", "list", "t.yaml"], { files: disk });
  assert.equal(wrongFile.code, 1);
  assert.match(wrongFile.err, /credentials\[0\] \(x\): tenants/);
});
