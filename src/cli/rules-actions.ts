/** What the commands below `skald rules` do. */
import { Limiter } from "#base";
import { isAlerting, type PlacedGroup, printRuleDuration, printRuleGroups } from "#ruler";
import { CliError, exitFailed } from "./cli-error.ts";
import { clientOf, type CommandContext } from "./command-context.ts";
import { compareRules, type GroupChange, isChosen, type NamespaceChoice } from "./compare-rules.ts";
import type { HttpClient } from "./http-client.ts";
import { type Paint, paintFor, paintPatch } from "./paint.ts";
import { findRuleFiles, type LoadedRules, loadRules, type RuleFileOptions } from "./rule-files.ts";
import { deleteServerGroup, readServerRules, writeServerGroup } from "./rule-server.ts";
import { runTestFiles } from "./rule-test-files.ts";
import { showFaults } from "./show-faults.ts";
import { tableLines } from "./table-lines.ts";

export interface RulesOptions extends RuleFileOptions {
  readonly address?: string;
  readonly id?: string;
  readonly addr?: string;
  readonly orgId?: string;
  readonly namespaces?: string;
  readonly ignoredNamespaces?: string;
  readonly disableColor?: boolean;
  readonly strict?: boolean;
  readonly dryRun?: boolean;
  readonly exitCode?: boolean;
  readonly concurrency?: number;
  readonly run?: string;
  readonly output?: "default" | "jsonl";
}

export type RulesActions = Readonly<
  Record<
    "check" | "test" | "list" | "print" | "diff" | "sync",
    (files: readonly string[], options: RulesOptions) => Promise<void>
  >
>;

export function rulesActions(context: CommandContext): RulesActions {
  return {
    check: (files, options) => check(context, files, options),
    test: (files, { run }) => runTestFiles(context, files, { run }),
    list: (files, options) => list(context, files, options),
    print: async (files, options) => {
      await context.io.stdout.write(printRuleGroups(await rulesOf(context, files, options)));
    },
    diff: (files, options) => diff(context, files, options),
    sync: (files, options) => sync(context, files, options),
  };
}

function choiceOf({ namespaces, ignoredNamespaces }: RulesOptions): NamespaceChoice {
  const listed = (text: string | undefined): string[] =>
    (text ?? "").split(",").flatMap((name) => name.trim() || []);
  return { only: listed(namespaces), except: listed(ignoredNamespaces) };
}

/** lokitool's names of flags and variables stand behind LogCLI's. */
function serverOf({ io }: CommandContext, options: RulesOptions): Promise<HttpClient> {
  const { env } = io;
  const addr = options.address ?? options.addr ?? (env["LOKI_ADDR"] || env["LOKI_ADDRESS"]);
  const orgId = options.id ?? options.orgId ?? (env["LOKI_ORG_ID"] || env["LOKI_TENANT_ID"]);
  const given = { ...(addr ? { addr } : {}), ...(orgId ? { orgId } : {}) };
  return clientOf({ ...options, ...given }, io);
}

async function check(
  context: CommandContext,
  named: readonly string[],
  options: RulesOptions,
): Promise<void> {
  const { io } = context;
  const loaded = await loadRules(await findRuleFiles(named, options, io), io);
  const { errors, warnings } = await showFaults(io, loaded.faults);
  const rules = loaded.groups.reduce((sum, { group }) => sum + group.rules.length, 0);
  const { files, groups } = loaded;
  const counted = [
    count(files.length, "file"),
    count(groups.length, "group"),
    count(rules, "rule"),
  ].join(", ");
  await io.stdout.line(`${counted}: ${count(errors, "error")}, ${count(warnings, "warning")}`);
  if (errors > 0 || (options.strict === true && warnings > 0)) context.exitCode = exitFailed;
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? "" : "s"}`;
}

/** Rules of files without errors. Else says what is wrong and throws: nothing is done by halves. */
async function soundRules(
  context: CommandContext,
  named: readonly string[],
  options: RulesOptions,
): Promise<LoadedRules> {
  const { io } = context;
  const loaded = await loadRules(await findRuleFiles(named, options, io), io);
  const errors = loaded.faults.filter(({ level }) => level === "error");
  if (errors.length === 0) return loaded;
  await showFaults(io, errors);
  throw new CliError("the rule files have errors; nothing was done");
}

/** Of the files when some are named, else of the server. */
async function rulesOf(
  context: CommandContext,
  named: readonly string[],
  options: RulesOptions,
): Promise<readonly PlacedGroup[]> {
  const { ruleFiles, ruleDirs } = options;
  const isLocal = named.length > 0 || ruleFiles !== undefined || ruleDirs !== undefined;
  const groups = isLocal
    ? (await soundRules(context, named, options)).groups
    : await readServerRules(await serverOf(context, options));
  const choice = choiceOf(options);
  return groups.filter(({ namespace }) => isChosen(namespace, choice));
}

async function list(
  context: CommandContext,
  named: readonly string[],
  options: RulesOptions,
): Promise<void> {
  const { io } = context;
  const groups = await rulesOf(context, named, options);
  const rows = groups.map(({ namespace, group }) => {
    const alerts = group.rules.filter(isAlerting).length;
    const records = group.rules.length - alerts;
    const { name, intervalMs } = group;
    const interval = intervalMs === 0 ? "default" : printRuleDuration(intervalMs);
    return { namespace, group: name, alerts, records, interval };
  });
  if (options.output === "jsonl") {
    for (const row of rows) await io.stdout.line(JSON.stringify(row));
    return;
  }
  if (rows.length === 0) return;
  const cells = rows.map((row) => Object.values(row).map(String));
  for (const line of tableLines([
    ["NAMESPACE", "GROUP", "ALERTS", "RECORDS", "INTERVAL"],
    ...cells,
  ])) {
    await io.stdout.line(line);
  }
}

async function changesOf(
  context: CommandContext,
  client: HttpClient,
  named: readonly string[],
  options: RulesOptions,
): Promise<GroupChange[]> {
  const { groups } = await soundRules(context, named, options);
  const present = await readServerRules(client);
  return compareRules({ wanted: groups, present }, choiceOf(options));
}

async function showChanges(
  { io }: CommandContext,
  changes: readonly GroupChange[],
  paint: Paint,
): Promise<void> {
  for (const { patch } of changes) await io.stdout.write(paintPatch(patch, paint));
  const many = (kind: GroupChange["kind"]): number =>
    changes.filter((one) => one.kind === kind).length;
  await io.stdout.line(
    changes.length === 0
      ? "The server has the rules of the files."
      : `${many("create")} to create, ${many("replace")} to replace, ${many("delete")} to delete.`,
  );
}

async function diff(
  context: CommandContext,
  named: readonly string[],
  options: RulesOptions,
): Promise<void> {
  const { io } = context;
  const client = await serverOf(context, options);
  const changes = await changesOf(context, client, named, options);
  await showChanges(context, changes, paintFor(io.stdout, io, colours(options)));
  if (options.exitCode === true && changes.length > 0) context.exitCode = exitFailed;
}

function colours({ disableColor }: RulesOptions): { isOff: boolean } {
  return { isOff: disableColor === true };
}

/** What comes is written before anything is deleted, so that no alert is missing in between. */
async function sync(
  context: CommandContext,
  named: readonly string[],
  options: RulesOptions,
): Promise<void> {
  const { io } = context;
  const client = await serverOf(context, options);
  const changes = await changesOf(context, client, named, options);
  const paint = paintFor(io.stdout, io, colours(options));
  if (options.dryRun === true) return showChanges(context, changes, paint);
  const limiter = new Limiter(options.concurrency ?? 1);
  const apply = async (change: GroupChange): Promise<void> => {
    const { kind, namespace, group, wanted } = change;
    if (wanted === undefined)
      await deleteServerGroup(client, { namespace, group: { name: group } });
    else await writeServerGroup(client, wanted);
    const done = { create: "created", replace: "replaced", delete: "deleted" }[kind];
    await io.stdout.line(
      `${paint(kind === "delete" ? "red" : "green", done)} ${namespace}/${group}`,
    );
  };
  const applyAll = async (some: readonly GroupChange[]): Promise<void> => {
    const results = await Promise.allSettled(some.map((one) => limiter.run(() => apply(one))));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  };
  await applyAll(changes.filter(({ wanted }) => wanted !== undefined));
  await applyAll(changes.filter(({ wanted }) => wanted === undefined));
  await io.stdout.line(
    changes.length === 0 ? "The server has the rules of the files." : `${changes.length} changed.`,
  );
}
