// Servers and clients of others that tests run against, from Debian's packages. Asked for by tests:
// as root in a container (or with SKALD_TEST_INSTALL=1) what is missing is installed. A machine whose
// services are run by systemd is somebody's own: nothing is installed there unasked.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Test files run at the same time; apt-get waits for some of its locks only. */
const ownLock = "/tmp/skald-test-apt.lock";
/** apt-get waits so long for another one that holds its lock, in seconds. */
const lockTimeoutSeconds = 300;
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
  const reason =
    `Debian's ${wanted.join(", ")} cannot be had: ${failure}. ` +
    `To run these tests: apt-get install ${wanted.join(" ")}`;
  if (process.env["CI"] === "true") throw new Error(reason);
  process.stderr.write(`\n!!! SKIPPED TESTS: ${reason}\n\n`);
  return { isThere: false, reason };
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
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return false;
  if (process.env["SKALD_TEST_INSTALL"] === "1" || process.env["CI"] === "true") return true;
  return !existsSync("/run/systemd/system");
}

/** Undefined when it went well, else what apt-get said. */
function install(packages: readonly string[]): string | undefined {
  const options = ["-y", "-q", "--no-install-recommends", "--no-remove"];
  const wait = ["-o", `DPkg::Lock::Timeout=${lockTimeoutSeconds}`];
  process.stderr.write(`tests need Debian's ${packages.join(", ")}: installing …\n`);
  const first = aptGet([...wait, "install", ...options, ...packages]);
  if (first === undefined) return undefined;
  // The lists of packages may be missing or old.
  return aptGet([...wait, "update"]) ?? aptGet([...wait, "install", ...options, ...packages]);
}

function aptGet(args: readonly string[]): string | undefined {
  const { status, stderr, stdout, error } = spawnSync("flock", [ownLock, "apt-get", ...args], {
    encoding: "utf8",
    timeout: installTimeoutMs,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status === 0) return undefined;
  const said = (error?.message ?? `${stdout}\n${stderr}`).trim().split("\n");
  return said.findLast((line) => line.startsWith("E:")) ?? said.at(-1) ?? "apt-get failed";
}
