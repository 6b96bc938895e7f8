// Builds the page of `web/` into `web/dist`: bundles with hashed names, each beside its gzip and Brotli
// forms. Works without network. What was there is replaced once everything is built, so that a process
// that starts meanwhile finds a whole page.
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
const replaceAttemptsMax = 5;

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

/** Another set-up may be as far at the same moment; its page is as good, the last one stays. */
function replace(target: string, source: string): void {
  for (let attempt = 1; ; attempt++) {
    rmSync(target, { recursive: true, force: true });
    try {
      renameSync(source, target);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (attempt === replaceAttemptsMax || (code !== "ENOTEMPTY" && code !== "EEXIST"))
        throw error;
    }
  }
}

const fresh = mkdtempSync(join(web, "dist-new-"));
try {
  await buildInto(fresh);
  compressIn(fresh);
  // The process may run as another user than set-up.
  chmodSync(fresh, 0o755);
  replace(dist, fresh);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
