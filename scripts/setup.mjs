// Installs what package-lock.json names, once. Plain JavaScript: it runs on the machine's own Node, which may be too
// old for the rest. Says in words what is wrong when there is no network.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const lock = join(root, "package-lock.json");
const stamp = join(root, "node_modules", ".skald-setup");
const wanted = createHash("sha256").update(readFileSync(lock)).digest("hex");

function isInstalled() {
  if (!existsSync(stamp) || !existsSync(join(root, "node_modules", ".bin", "node"))) return false;
  return readFileSync(stamp, "utf8") === wanted;
}

function install() {
  process.stderr.write("skald: installing dependencies (once) …\n");
  // Not `npm ci`: it refuses a lock file that leaves out packages of other platforms, which some registries do not
  // serve. `--no-save` keeps package.json and the lock file as they are.
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = spawnSync("npm", args, {
    cwd: root,
    stdio: ["ignore", "inherit", "pipe"],
    encoding: "utf8",
  });
  if (npm.status === 0 && existsSync(join(root, "node_modules", ".bin", "node"))) {
    writeFileSync(stamp, wanted);
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

if (!isInstalled()) install();
