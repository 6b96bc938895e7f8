import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimulatedDisk } from "#world";
import { fakeLoki, type Reply } from "./fake-loki.ts";
import { cli } from "./test-io.ts";

async function diskWith(files: Readonly<Record<string, string>>): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  for (const [name, text] of Object.entries(files)) {
    const path = `/home/${name}`;
    await disk.makeFolder(path.slice(0, path.lastIndexOf("/")));
    await using file = await disk.open(path, { create: true, exclusive: false });
    await file.write([Buffer.from(text)], 0);
  }
  return disk;
}

const alert = (name: string, expr: string, more = ""): string =>
  `groups:\n  - name: g\n    rules:\n      - alert: ${name}\n        expr: ${expr}\n${more}`;
const sound = 'count_over_time({app="a"}[5m]) > 1';

describe("rules check", () => {
  const faults: readonly (readonly [what: string, yaml: string, said: RegExp])[] = [
    ["no YAML", "groups: [", /^r\.yaml:1:10: error: /m],
    [
      "a key nobody knows",
      alert("A", sound, "        fro: 5m\n"),
      /6:14: error: unknown key "fro"/,
    ],
    ["a key written otherwise", alert("A", sound, "        keepFiringFor: 5m\n"), /unknown key/],
    ["no duration", alert("A", sound, "        for: 1 m\n"), /6:14: error: for: "1 m" is no dur/],
    ["a list for a map", "groups:\n  - [x]\n", /2:5: error: groups\[0\] must be a map/],
    ["a map for a list", "groups: {a: b}\n", /1:9: error: groups must be a list/],
    ["a limit that is no number", "groups:\n- name: g\n  limit: many\n", /3:10: error: limit: /],
    [
      "no expression",
      "groups:\n- name: g\n  rules:\n  - alert: A\n",
      /4:5: error: field 'expr' must/,
    ],
    ["LogQL", alert("A", 'count_over_time({app="a"[5m])'), /5:39: error: LogQL: syntax error/],
    ["LogQL in a quoted text", alert("A", `'count_over_time({app="a"[5m])'`), /5:40: error: LogQL/],
    [
      "LogQL in a text of lines",
      alert("A", '|\n          sum(\n            rate({app="a"} |= [5m]))\n'),
      /7:31: error: LogQL: /,
    ],
    [
      "what is missing at the end of a text of lines",
      alert("A", '|\n          sum(\n            rate({app="a"}[5m])\n'),
      /7:32: error: LogQL/,
    ],
    ["a log query", alert("A", `'{app="a"} |= "x"'`), /5:15: error: the expression is a log query/],
    [
      "a template",
      alert("A", sound, "        annotations: {s: '{{ nope }}'}\n"),
      /6:26: error: annotation "s": .*"nope" not defined/,
    ],
    [
      "a name of a label",
      alert("A", sound, "        labels: {a-b: c}\n"),
      /6:23: error: invalid lab/,
    ],
    ["a group without a name", "groups:\n- rules: []\n", /2:3: error: the group has no name/],
    ["two groups of one name", "groups:\n- name: g\n- name: g\n", /3:9: error: .*two groups/],
  ];
  for (const [what, yaml, said] of faults) {
    test(`finds ${what}, says where, and exits 1`, async () => {
      const { code, out } = await cli(["rules", "check", "r.yaml"], {
        files: await diskWith({ "r.yaml": yaml }),
      });
      assert.match(out, said);
      assert.equal(code, 1);
    });
  }

  test("shows the line and marks the place", async () => {
    const files = await diskWith({ "r.yaml": alert("A", sound, "        for: 1 m\n") });
    const { out } = await cli(["rules", "check", "r.yaml"], { files });
    assert.match(out, /\n {12}for: 1 m\n {17}\^\n/);
  });

  test("advises, and with --strict refuses", async () => {
    const twice = `${alert("A", sound)}      - alert: A\n        expr: ${sound}\n`;
    const files = await diskWith({ "r.yaml": twice });
    const lenient = await cli(["rules", "check", "r.yaml"], { files });
    assert.match(lenient.out, /6:16: warning: the file has two rules of the name A/);
    assert.match(lenient.out, /1 file, 1 group, 2 rules: 0 errors, 1 warning\n$/);
    assert.equal(lenient.code, 0);
    assert.equal((await cli(["rules", "check", "--strict", "r.yaml"], { files })).code, 1);
  });

  test("reads folders of folders and lists of flags; one group in two files is an error", async () => {
    const one = `namespace: n\n${alert("A", sound)}`;
    const files = await diskWith({
      "d/a.yaml": one,
      "d/in/b.yml": one,
      "d/c.txt": "{",
      "e.yaml": "",
    });
    const argv = ["rules", "check", "--rule-dirs=d", "--rule-files=e.yaml"];
    const { code, out } = await cli(argv, { files });
    assert.match(out, /d\/in\/b\.yml:3:11: error: namespace n has group g in d\/a\.yaml, too/);
    assert.match(out, /e\.yaml:1:1: warning: the file has no groups/);
    assert.match(out, /3 files, 2 groups, 2 rules: 1 error, 1 warning/);
    assert.equal(code, 1);
  });

  test("no file, and a file that is not there, are faults of the command line", async () => {
    const files = await diskWith({ "d/c.txt": "" });
    assert.equal((await cli(["rules", "check"], { files })).code, 2);
    assert.equal((await cli(["rules", "check", "d"], { files })).code, 2);
    assert.equal((await cli(["rules", "check", "none.yaml"], { files })).code, 2);
  });
});

const serverRules = `a:
  - name: same
    rules:
      - alert: A
        expr: ${sound}
  - name: old
    rules: []
b:
  - name: changed
    interval: 1m
    rules:
      - {alert: B, expr: 'count_over_time({app="b"}[5m]) > 1', for: 60s}
by-hand:
  - name: mine
    rules: []
`;
const localA = `namespace: a\ngroups:\n  - name: same\n    rules: [{alert: A, expr: '${sound}'}]\n`;
const localB = `groups:
  - name: changed
    interval: 60s
    rules:
      - {alert: B, expr: 'count_over_time({app="b"}[5m]) > 2', for: 1m}
  - name: new/one
    rules: [{record: 'a:b', expr: 'sum(rate({app="b"}[5m]))'}]
`;

const server = (): ReturnType<typeof fakeLoki> =>
  fakeLoki(({ method }): Reply => {
    return method === "GET" ? { body: serverRules } : { status: 202, body: { status: "success" } };
  });

describe("rules diff and sync", () => {
  const local = (): Promise<SimulatedDisk> => diskWith({ "r/a.yaml": localA, "r/b.yaml": localB });

  test("diff shows what sync would do and changes nothing", async () => {
    await using loki = await server();
    const argv = ["rules", "diff", `--address=${loki.url}`, "--id=shop", "r"];
    const { code, out } = await cli(argv, { files: await local() });
    assert.equal(code, 0);
    assert.match(out, /^--- server\/a\/old\n\+\+\+ \/dev\/null$/m);
    assert.match(out, /^-.*> 1\n\+.*> 2$/m);
    assert.match(out, /^--- \/dev\/null\n\+\+\+ files\/b\/new\/one$/m);
    assert.doesNotMatch(out, /same|interval: 1m\n\+/);
    assert.match(out, /1 to create, 1 to replace, 2 to delete\.\n$/);
    assert.deepEqual(
      loki.asked.map(({ method, headers }) => [method, headers["x-scope-orgid"]]),
      [["GET", "shop"]],
    );
    assert.equal((await cli([...argv, "--exit-code"], { files: await local() })).code, 1);
  });

  test("differences are coloured on a terminal, unless told otherwise", async () => {
    await using loki = await server();
    const argv = ["rules", "diff", `--addr=${loki.url}`, "r"];
    const options = { files: await local(), isTerminal: true };
    const green = `\u001b[32m+          expr: count_over_time({app="b"}[5m]) > 2\u001b[0m`;
    const { out } = await cli(argv, options);
    assert.ok(out.replaceAll(/\+ +expr/g, "+          expr").includes(green), out);
    const plain = await cli([...argv, "--disable-color"], options);
    assert.ok(!plain.out.includes("\u001b"));
  });

  test("sync creates and replaces before it deletes, in the namespaces chosen", async () => {
    await using loki = await server();
    const files = await local();
    const argv = ["rules", "sync", `--address=${loki.url}`, "--ignored-namespaces=by-hand", "r"];
    const { code, out } = await cli([...argv, "--concurrency=1"], { files });
    assert.equal(code, 0);
    assert.match(out, /replaced b\/changed\ncreated b\/new\/one\ndeleted a\/old\n3 changed\.\n$/);
    assert.deepEqual(
      loki.asked.slice(1).map(({ method, path }) => `${method} ${path}`),
      ["POST /loki/api/v1/rules/b", "POST /loki/api/v1/rules/b", "DELETE /loki/api/v1/rules/a/old"],
    );
    assert.match(loki.asked[1]!.body.toString(), /^name: changed\ninterval: 1m\n/);
    await cli(["rules", "sync", `--address=${loki.url}`, "--namespaces=a", "r"], { files });
    const written = loki.asked.slice(5).map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(written, ["DELETE /loki/api/v1/rules/a/old"]);
  });

  test("a dry run, and files with errors, change nothing", async () => {
    await using loki = await server();
    const argv = ["rules", "sync", `--address=${loki.url}`];
    const dry = await cli([...argv, "--dry-run", "r"], { files: await local() });
    assert.match(dry.out, /1 to create/);
    const files = await diskWith({ "x.yaml": alert("A", "sum(") });
    const wrong = await cli([...argv, "x.yaml"], { files });
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /nothing was done/);
    assert.ok(loki.asked.every(({ method }) => method === "GET"));
  });

  test("a server without rules answers 404; one without rules API is an error", async () => {
    const files = await local();
    for (const [body, code] of [
      ["no rule groups found\n", 0],
      ["404 page not found", 1],
    ] as const) {
      await using loki = await fakeLoki(() => ({ status: 404, body }));
      const result = await cli(["rules", "diff", `--address=${loki.url}`, "r"], { files });
      assert.equal(result.code, code, result.err);
    }
  });

  test("a group that the server refuses is said, the others are written", async () => {
    await using loki = await fakeLoki(({ method, body }) => {
      if (method === "GET") return { body: "b: []\n" };
      return body.includes("changed") ? { status: 400, body: "no" } : { status: 202 };
    });
    const argv = ["rules", "sync", `--address=${loki.url}`, "r/b.yaml"];
    const { code, out, err } = await cli(argv, { files: await local() });
    assert.equal(code, 1);
    assert.match(out, /created b\/new\/one/);
    assert.match(err, /400 .*no/);
  });

  test("list and print show the server's rules, or those of files", async () => {
    await using loki = await server();
    const at = { env: { LOKI_ADDRESS: loki.url, LOKI_TENANT_ID: "t" }, files: await local() };
    const listed = await cli(["rules", "list", "--namespaces=b"], at);
    assert.match(
      listed.out,
      /^NAMESPACE +GROUP +ALERTS +RECORDS +INTERVAL\nb +changed +1 +0 +1m\n$/,
    );
    assert.equal(loki.asked[0]?.headers["x-scope-orgid"], "t");
    const printed = await cli(["rules", "print", "r/a.yaml"], at);
    assert.match(printed.out, /^a:\n {4}- name: same\n/);
    const lines = await cli(["rules", "list", "-o", "jsonl", "r/b.yaml"], at);
    assert.equal(JSON.parse(lines.out.split("\n")[1]!).group, "new/one");
  });
});
