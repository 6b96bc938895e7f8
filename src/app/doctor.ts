/**
 * `skald doctor`: is this machine, with this configuration, fit to run Skald? Writes small things and
 * removes them again, and starts nothing. It may run beside a Skald that uses the same configuration.
 */
import { messageOf } from "#base";
import { type CliIo, doctorHelpText } from "#cli";
import { type Config, ConfigError, loadConfig } from "#config";
import { checkFolders } from "./doctor-folders.ts";
import { checkMachine } from "./doctor-machine.ts";
import { checkPorts } from "./doctor-ports.ts";
import { checkObjectStores } from "./doctor-stores.ts";

/** `error`: Skald will not start, or will refuse or lose time badly. `warning`: it will run, but. */
export type FindingStatus = "ok" | "warning" | "error";

export interface Finding {
  /** What was looked at: `disk`, `object store`, … */
  readonly check: string;
  readonly status: FindingStatus;
  readonly says: string;
  /** What to do about it. */
  readonly advice?: string;
}

const exitOk = 0;
const exitFailed = 1;
const exitUsage = 2;

/** Returns 0 without errors (warnings may be there), 1 with, 2 when the command line is wrong. */
export async function doctor(argv: readonly string[], io: CliIo): Promise<number> {
  const isJson = (argument: string): boolean => /^--?json$/.test(argument);
  if (argv.some((argument) => /^(-h|--?help)$/.test(argument))) {
    await io.stdout.write(doctorHelpText());
    return exitOk;
  }
  const read = await readConfig(
    argv.filter((argument) => !isJson(argument)),
    io,
  );
  if (read === undefined) {
    await io.stderr.line("skald doctor: give -config.file and settings of the server, and --json");
    return exitUsage;
  }
  const findings = [...read.findings];
  const { config } = read;
  if (config !== undefined) {
    const parts = { config, io };
    findings.push(...checkMachine(config));
    findings.push(...(await checkFolders(parts)));
    findings.push(...(await checkPorts(config)));
    findings.push(...(await checkObjectStores(parts)));
  }
  const isFit = findings.every(({ status }) => status !== "error");
  if (argv.some(isJson))
    await io.stdout.line(JSON.stringify({ ok: isFit, findings }, undefined, 2));
  else await print(findings, io);
  return isFit ? exitOk : exitFailed;
}

interface ReadConfig {
  readonly config?: Config;
  readonly findings: readonly Finding[];
}

/** Undefined when the flags ask for something else than to run. */
async function readConfig(argv: readonly string[], io: CliIo): Promise<ReadConfig | undefined> {
  const check = "configuration";
  try {
    const result = await loadConfig({
      argv,
      env: io.env,
      cwd: io.folder,
      readFile: async (path) => (await io.files.read(path)).toString("utf8"),
    });
    if (result.action !== "run" && result.action !== "verify") return undefined;
    const { loaded, file } = result;
    const says = file === undefined ? "defaults, without a file" : `${file} is valid`;
    const warnings = loaded.warnings.map(
      (text): Finding => ({
        check,
        status: "warning",
        says: text,
      }),
    );
    return { config: loaded.config, findings: [{ check, status: "ok", says }, ...warnings] };
  } catch (error) {
    const texts = error instanceof ConfigError ? error.messages : [messageOf(error)];
    const advice = "Mend it; nothing else was checked. docs/operating/configuration.md lists keys.";
    return { findings: texts.map((says): Finding => ({ check, status: "error", says, advice })) };
  }
}

const marks: Readonly<Record<FindingStatus, string>> = { ok: "ok", warning: "warn", error: "FAIL" };

async function print(findings: readonly Finding[], io: CliIo): Promise<void> {
  const width = Math.max(...findings.map(({ check }) => check.length));
  for (const { check, status, says, advice } of findings) {
    await io.stdout.line(`${marks[status].padEnd(5)} ${check.padEnd(width)}  ${says}`);
    if (advice !== undefined) await io.stdout.line(`${" ".repeat(width + 8)}${advice}`);
  }
  const count = (status: FindingStatus): number =>
    findings.filter((finding) => finding.status === status).length;
  await io.stdout.line(`\n${count("error")} errors, ${count("warning")} warnings`);
}
