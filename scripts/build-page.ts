// Builds the page of `web/` into `web/dist`: bundles with hashed names, each beside its gzip and Brotli
// forms. Works without network. What was there is replaced in one step, so that a process that starts
// meanwhile finds one page or the other.
import {
  chmodSync,
  globSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const web = join(root, "web");
const dist = join(web, "dist");
/** Smaller files do not shrink enough to be worth a second one. */
const compressFromBytes = 1024;

async function buildInto(folder: string): Promise<void> {
  await build({
    root: web,
    configFile: false,
    envDir: false,
    // Relative, so that the page works behind any prefix.
    base: "./",
    publicDir: false,
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2022",
      // An address with data in it would need more of the content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1024,
    },
  });
}

function compressIn(folder: string): void {
  for (const name of globSync("assets/*.{js,css,svg}", { cwd: folder })) {
    const path = join(folder, name);
    const content = readFileSync(path);
    if (content.length < compressFromBytes) continue;
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  }
}

const fresh = mkdtempSync(join(web, "dist-new-"));
try {
  await buildInto(fresh);
  compressIn(fresh);
  // The process may run as another user than set-up.
  chmodSync(fresh, 0o755);
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
