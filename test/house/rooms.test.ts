import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Who may import whom. A room sees the rooms of the floors below its own, never its neighbours unless named. */
const floors: readonly (readonly string[])[] = [
  ["base"],
  ["model", "world", "gofmt"],
  ["columns", "kernels", "telemetry", "regex"],
  ["gotemplate", "codec"],
  ["config", "objectstore", "journal", "lokichunk", "lokiindex", "access"],
  ["logql", "storage"],
  ["segment", "lokistore", "pipeline", "evaluator"],
  ["ingest", "compaction", "query"],
  ["frontend", "lifecycle", "bucket"],
  ["patterns", "discovery", "ruler"],
  ["http", "grpc", "cli"],
  ["app"],
];

/** Imports inside one floor or upward within reason, each with its why. */
const neighbours: Readonly<Record<string, readonly string[]>> = {
  // The URL of an S3 store is read where its rules are, and a wrong one is a problem of the file.
  // And the names of TLS versions and ciphers are known where certificates are.
  config: ["objectstore", "access"],
};

/** The waist: above it nobody knows an engine, below it nobody knows a query. */
const forbidden: readonly (readonly [string, string])[] = [
  ["query", "segment"],
  ["query", "ingest"],
  ["query", "objectstore"],
  ["query", "journal"],
  ["pipeline", "segment"],
  ["http", "segment"],
  ["http", "objectstore"],
  ["ingest", "query"],
  ["ingest", "pipeline"],
  ["compaction", "query"],
  ["compaction", "pipeline"],
  ["segment", "logql"],
];

const rooms = readdirSync(join(root, "src"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

function floorOf(room: string): number {
  return floors.findIndex((floor) => floor.includes(room));
}

interface Import {
  readonly file: string;
  readonly room: string;
  readonly specifier: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  const room = file.split(sep)[1]!;
  const found: Import[] = [];
  const pattern =
    /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;
  for (const match of text.matchAll(pattern)) {
    found.push({ file, room, specifier: match[1] ?? match[2] ?? match[3] ?? "" });
  }
  return found;
}

const files = globSync("src/**/*.ts", { cwd: root });
const imports = files.flatMap(importsOf);

test("there is something to look at", () => {
  assert.ok(files.length > 20, `found ${files.length} files`);
  assert.ok(imports.length > 20, `found ${imports.length} imports`);
});

test("every room has a floor and a door", () => {
  for (const room of rooms) {
    assert.notEqual(floorOf(room), -1, `${room} is on no floor of this test`);
    if (room === "app") continue;
    assert.ok(existsSync(join(root, "src", room, "index.ts")), `${room} has no index.ts`);
  }
});

test("rooms are entered by their doors only", () => {
  for (const { file, specifier } of imports) {
    assert.ok(!specifier.startsWith("../"), `${file} climbs out of its room: ${specifier}`);
    assert.ok(!/^#[^/]+\//.test(specifier), `${file} goes around the door: ${specifier}`);
  }
});

test("imports point down", () => {
  for (const { file, room, specifier } of imports) {
    if (!specifier.startsWith("#")) continue;
    const target = specifier.slice(1);
    if (target === room) continue;
    const allowed = floorOf(target) < floorOf(room) || neighbours[room]?.includes(target);
    assert.ok(allowed, `${file}: ${room} may not import ${target}`);
  }
});

test("nobody reaches across the waist", () => {
  for (const { file, room, specifier } of imports) {
    if (file.endsWith(".test.ts")) continue;
    for (const [from, to] of forbidden) {
      assert.ok(!(room === from && specifier === `#${to}`), `${file}: ${from} may not know ${to}`);
    }
  }
});

test("doors list their names", () => {
  for (const file of files.filter((path) => path.endsWith(`${sep}index.ts`))) {
    const text = readFileSync(join(root, file), "utf8");
    assert.ok(!/export \* from/.test(text), `${relative(root, file)} exports everything`);
  }
});
