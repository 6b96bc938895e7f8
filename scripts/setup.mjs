// Installs what package-lock.json names, once, and builds the page of `web/` and the bundle of the program when they
// changed. Plain JavaScript: it runs on the machine's own Node, which may be too old for the rest. Says in words what is
// wrong when there is no network.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const lock = join(root, "package-lock.json");
const stamp = join(root, "node_modules", ".skald-setup");
const wanted = createHash("sha256").update(readFileSync(lock)).digest("hex");

const runOnlyStamp = `${wanted} run-only`;
const foundStamp = existsSync(stamp) ? readFileSync(stamp, "utf8") : undefined;
/**
 * With `--run-only`, what is needed to run; else what is needed to test and change it as well, twice as much. Where that
 * was installed once, an update takes nothing away.
 */
const isRunOnly =
  process.argv.includes("--run-only") &&
  (foundStamp === undefined || foundStamp.endsWith(" run-only"));

function isInstalled() {
  if (!existsSync(join(root, "node_modules", ".bin", "node"))) return false;
  return foundStamp === wanted || (isRunOnly && foundStamp === runOnlyStamp);
}

function install() {
  process.stderr.write("skald: installing dependencies (once) …\n");
  // Not `npm ci`: it refuses a lock file that leaves out packages of other platforms, which some registries do not
  // serve. `--no-save` keeps package.json and the lock file as they are.
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  if (isRunOnly) args.push("--omit=dev");
  const npm = spawnSync("npm", args, {
    cwd: root,
    stdio: ["ignore", "inherit", "pipe"],
    encoding: "utf8",
  });
  if (npm.status === 0 && existsSync(join(root, "node_modules", ".bin", "node"))) {
    writeFileSync(stamp, isRunOnly ? runOnlyStamp : wanted);
    return;
  }
  const said = (npm.stderr ?? npm.error?.message ?? "").trim();
  const isOffline =
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|network|ENOTCACHED/i.test(
      said,
    );
  const first = said.split("\n").slice(0, 3).join("\n  ");
  process.stderr.write(
    isOffline
      ? `skald: cannot reach the npm registry, and the dependencies are not installed yet.\n` +
          `Connect this machine to the network (or set the 'registry' or 'proxy' of npm) and run the command again.\n` +
          `npm said:\n  ${first}\n`
      : `skald: 'npm install' failed in ${root}.\nnpm said:\n  ${first}\n`,
  );
  process.exit(1);
}

/** What a folder's build is made of, as one hash: its sources, the tools' versions and the script that builds it. */
function sourcesOf(folder, script, pattern) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter(
      (path) => pattern.test(path) && !/[\\/]dist|\.test\.ts$/.test(path.slice(folder.length)),
    );
  const hash = createHash("sha256").update(wanted);
  for (const path of [join(root, "scripts", script), ...names.sort()]) {
    hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

function runScript(script) {
  const node = join(root, "node_modules", ".bin", "node");
  const { status } = spawnSync(node, [join(root, "scripts", script)], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return status === 0;
}

function buildPage() {
  const web = join(root, "web");
  const sources = sourcesOf(web, "build-page.ts", /\.(tsx?|css|svg|html)$/);
  const pageStamp = join(web, "dist", ".built-from");
  if (existsSync(pageStamp) && readFileSync(pageStamp, "utf8") === sources) return;
  process.stderr.write("skald: building the web page …\n");
  if (!runScript("build-page.ts")) {
    process.stderr.write("skald: the web page could not be built; see above.\n");
    process.exit(1);
  }
  writeFileSync(pageStamp, sources);
}

/** bin/skald runs it while no source is newer. Without it the sources run, so that a failure here ends nothing. */
function bundleServer() {
  const startedAt = new Date();
  const sources = sourcesOf(join(root, "src"), "build-server.ts", /\.ts$/);
  const main = join(root, "dist", "server", "main.js");
  const bundleStamp = join(root, "dist", "server", ".built-from");
  if (existsSync(main) && existsSync(bundleStamp)) {
    if (readFileSync(bundleStamp, "utf8") === sources) {
      // Sources of the same content may have new times: of a checkout, say.
      utimesSync(main, startedAt, startedAt);
      return;
    }
  }
  process.stderr.write("skald: bundling the program …\n");
  if (runScript("build-server.ts")) {
    writeFileSync(bundleStamp, sources);
    return;
  }
  process.stderr.write("skald: it could not be bundled; the sources run as they are.\n");
}

if (!isInstalled()) install();
buildPage();
bundleServer();
