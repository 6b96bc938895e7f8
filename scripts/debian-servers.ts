// Servers and clients of others that tests run against, from Debian's packages. Asked for by tests:
// as root in a container (or with SKALD_TEST_INSTALL=1) what is missing is installed. A machine whose
// services are run by systemd is somebody's own: nothing is installed there unasked. What cannot be
// installed beside other packages is unpacked into a folder of its own instead.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Test files run at the same time; apt-get waits for some of its locks only. */
const uid = process.getuid?.() ?? -1;
const ownLock = join(tmpdir(), `skald-test-apt-${uid}.lock`);
/** apt-get waits so long for another one that holds its lock, in seconds. */
const lockTimeoutSeconds = 300;
const waitForLock = ["-o", `DPkg::Lock::Timeout=${lockTimeoutSeconds}`];
const installTimeoutMs = 600_000;

export interface Found {
  readonly isThere: boolean;
  /** Why a test is skipped, in words; empty when all is there. */
  readonly reason: string;
}

/**
 * Makes the packages available, if it may. When it cannot: throws in CI (CI=true), else says so
 * loudly on stderr and answers why, so that the test is skipped.
 */
export function need(packages: readonly string[]): Found {
  const wanted = missing(packages);
  if (wanted.length === 0) return { isThere: true, reason: "" };
  const failure = mayInstall() ? install(wanted) : "nothing is installed unasked on this machine";
  if (failure === undefined) return { isThere: true, reason: "" };
  return unavailable(wanted, `${failure}. To run these tests: apt-get install ${wanted.join(" ")}`);
}

function unavailable(packages: readonly string[], failure: string): Found {
  const reason = `Debian's ${packages.join(", ")} cannot be had: ${failure}`;
  if (process.env["CI"] === "true") throw new Error(reason);
  process.stderr.write(`\n!!! SKIPPED TESTS: ${reason}\n\n`);
  return { isThere: false, reason };
}

export interface Unpacked extends Found {
  /** What stands for `/`; empty when the packages cannot be had. */
  readonly root: string;
}

/**
 * Downloads the packages and unpacks them, for those that conflict with others: nothing is
 * installed, so it is done on any machine. A folder is kept for each set of versions. Fails as `need`.
 */
export function unpack(packages: readonly string[]): Unpacked {
  try {
    return { isThere: true, reason: "", root: unpackedRoot(packages) };
  } catch (error) {
    return { ...unavailable(packages, error instanceof Error ? error.message : ""), root: "" };
  }
}

function unpackedRoot(packages: readonly string[]): string {
  const cache = ownCache();
  const files = fileNames(packages);
  const root = join(cache, files.join("+"));
  if (existsSync(root)) return root;
  process.stderr.write(`tests need ${files.join(", ")}: downloading …\n`);
  const folder = mkdtempSync(join(cache, "new-"));
  try {
    const options = ["-q", "-o", "APT::Sandbox::User=root", "download"];
    throwIf(withFreshLists([...options, ...packages], folder));
    const fresh = join(folder, "root");
    const debs = readdirSync(folder).filter((name) => name.endsWith(".deb"));
    for (const deb of debs) throwIf(run(["dpkg-deb", "-x", join(folder, deb), fresh]).failure);
    renameSync(fresh, root);
  } catch (error) {
    // Another test file may have been faster. Its folder is as good.
    if (!existsSync(root)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return root;
}

/** Programs are started from it, so it must be nobody else's. */
function ownCache(): string {
  const cache = join(tmpdir(), `skald-test-debian-${uid}`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  if (lstatSync(cache).uid !== uid) throw new Error(`${cache} belongs to another user`);
  return cache;
}

/** Of the packages as apt-get would download them, with their versions, in order. */
function fileNames(packages: readonly string[]): string[] {
  const args = ["download", "--print-uris", ...packages];
  let { failure, stdout } = aptGet(args);
  if (failure !== undefined && mayInstall()) {
    throwIf(aptGet([...waitForLock, "update"]).failure);
    ({ failure, stdout } = aptGet(args));
  }
  throwIf(failure);
  // 'http://deb.debian.org/…/rsyslog_8.2302.0-1_amd64.deb' rsyslog_8.2302.0-1_amd64.deb 724132 SHA256:…
  const names = [...stdout.matchAll(/^'\S+' (\S+\.deb) /gm)].map((match) => match[1]!);
  if (names.length !== packages.length) throw new Error(`apt-get knows ${names.join(", ")} only`);
  return names.sort();
}

function throwIf(failure: string | undefined): void {
  if (failure !== undefined) throw new Error(failure);
}

function missing(packages: readonly string[]): string[] {
  return packages.filter((name) => {
    const asked = spawnSync("dpkg-query", ["-W", "-f=${db:Status-Status}", name], {
      encoding: "utf8",
    });
    return asked.stdout !== "installed";
  });
}

function mayInstall(): boolean {
  if (uid !== 0 || !existsSync("/usr/bin/apt-get")) return false;
  if (process.env["SKALD_TEST_INSTALL"] === "1" || process.env["CI"] === "true") return true;
  return !existsSync("/run/systemd/system");
}

/** Undefined when it went well, else what apt-get said. */
function install(packages: readonly string[]): string | undefined {
  const options = ["-y", "-q", "--no-install-recommends", "--no-remove"];
  process.stderr.write(`tests need Debian's ${packages.join(", ")}: installing …\n`);
  return withFreshLists([...waitForLock, "install", ...options, ...packages]);
}

/** Once more when it fails: the lists of packages may be missing or old. */
function withFreshLists(args: readonly string[], folder?: string): string | undefined {
  const first = aptGet(args, folder).failure;
  if (first === undefined || !mayInstall()) return first;
  return aptGet([...waitForLock, "update"]).failure ?? aptGet(args, folder).failure;
}

interface Ended {
  /** Undefined when it went well, else what the program said. */
  readonly failure: string | undefined;
  readonly stdout: string;
}

function aptGet(args: readonly string[], folder?: string): Ended {
  return run(["flock", ownLock, "apt-get", ...args], folder);
}

function run([program, ...args]: readonly string[], folder?: string): Ended {
  const { status, stderr, stdout, error } = spawnSync(program!, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: installTimeoutMs,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status === 0) return { failure: undefined, stdout };
  const said = (error?.message ?? `${stdout}\n${stderr}`).trim().split("\n");
  const failure = said.findLast((line) => line.startsWith("E:")) ?? said.at(-1);
  return { failure: failure || `${program} failed`, stdout: stdout ?? "" };
}
