// Bundles the program into `dist/server`: `main.js`, the search thread, and chunks for what is loaded only
// when it is used. One file instead of some 1,500 starts in half the time, and takes a fifth less
// memory. bin/skald runs it as long as no source is newer; otherwise Node runs the sources themselves.
// Libraries with native code and kits of object stores stay in node_modules.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OutputChunk, rolldown } from "rolldown";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Another folder may be named; it finds package.json and the page two folders above itself. */
const folder = join(root, "dist", process.argv[2] ?? "server");
/** A process that runs while another version is built may still load a chunk of its own. */
const oldChunksKeptMs = 7 * 24 * 60 * 60 * 1000;

const external: readonly RegExp[] = [
  /\.node$/,
  /^(?:@node-rs\/crc32|snappy|lz4-napi|memjs)$/,
  /^@(?:aws-sdk|smithy|azure|google-cloud)\//,
  /^google-auth-library$/,
  // Fastify asks for these for schemas and for injected requests, which the server has none of.
  /^(?:@fastify\/(?:ajv-compiler|fast-json-stringify-compiler)|light-my-request)$/,
];

async function bundle(): Promise<readonly OutputChunk[]> {
  const build = await rolldown({
    cwd: root,
    input: { main: "src/app/main.ts", "scan-thread": "src/app/scan-thread.ts" },
    platform: "node",
    external: [...external],
  });
  const { output } = await build.generate({
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    // Names and lines stay: stack traces and profiles are read by people. Comments are for readers of the sources.
    minify: false,
    comments: false,
  });
  return output.filter((one) => one.type === "chunk");
}

/** One character outside of Latin-1 and V8 keeps a whole file in twice the memory. */
function inAscii(code: string): string {
  return code.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Entries come last, in one step each: a process that starts meanwhile finds what they import. */
function write(chunks: readonly OutputChunk[], startedAt: Date): void {
  mkdirSync(folder, { recursive: true });
  const isMain = ({ fileName }: OutputChunk): boolean => fileName === "main.js";
  const order = (chunk: OutputChunk): number => Number(chunk.isEntry) + Number(isMain(chunk));
  for (const chunk of chunks.toSorted((a, b) => order(a) - order(b))) {
    const path = join(folder, chunk.fileName);
    const fresh = `${path}.${process.pid}.new`;
    writeFileSync(fresh, inAscii(chunk.code));
    // As old as what was read: a source that was changed while this ran is newer.
    utimesSync(fresh, startedAt, startedAt);
    renameSync(fresh, path);
  }
}

function removeOld(chunks: readonly OutputChunk[], startedAt: Date): void {
  const current = new Set(chunks.map(({ fileName }) => basename(fileName)));
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const isOld = startedAt.getTime() - statSync(path).mtimeMs > oldChunksKeptMs;
    if (!current.has(name) && name.endsWith(".js") && isOld) rmSync(path, { force: true });
  }
}

const startedAt = new Date();
const chunks = await bundle();
write(chunks, startedAt);
removeOld(chunks, startedAt);
