import { Command } from "commander";
import { addExamples, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import type { RulesActions, RulesOptions } from "./rules-actions.ts";
import { wholeNumber } from "./arguments.ts";
import { oneOf } from "./arguments.ts";

/**
 * `skald rules …`, with the names and flags of lokitool and cortextool. What the commands do is
 * loaded when one is run: they bring the query engine with them.
 */
export function rulesCommand(context: CommandContext): Command {
  const rules = new Command("rules").description(
    "Check and test rule files; list, compare and replace the rules of a server.",
  );
  addConnection(rules);
  rules.option("--address <url>", "the server, as lokitool names it: --addr (LOKI_ADDRESS)");
  rules.option("--id <tenant>", "the tenant, as lokitool names it: --org-id (LOKI_TENANT_ID)");
  rules.addHelpText("after", connectionHelp);
  addExamples(
    rules,
    "skald rules check rules/",
    "skald rules test rules/tests/*.yaml",
    "skald rules diff --id=shop rules/",
    "skald rules sync --id=shop --dry-run rules/",
    "skald rules list",
  );
  const shared: Shared = { context, rules };
  for (const make of [check, test, list, print, diff, sync]) rules.addCommand(make(shared));
  return rules;
}

interface Shared {
  readonly context: CommandContext;
  readonly rules: Command;
}

/** Runs one of the actions with the flags of `rules`, too. */
function run(
  { context, rules }: Shared,
  command: Command,
  action: (actions: RulesActions, files: readonly string[], options: RulesOptions) => Promise<void>,
): Command {
  return command.action(async (files: readonly string[], options: RulesOptions) => {
    const { rulesActions } = await import("./rules-actions.ts");
    await action(rulesActions(context), files, { ...rules.opts(), ...options });
  });
}

function withFiles(command: Command): Command {
  return command
    .option("--rule-files <files>", "more files, with commas")
    .option("--rule-dirs <folders>", "more folders, with commas: their .yaml and .yml files");
}

function withNamespaces(command: Command): Command {
  return command
    .option("--namespaces <names>", "only these namespaces, with commas")
    .option("--ignored-namespaces <names>", "all namespaces but these, with commas")
    .option("--disable-color", "no colours");
}

function check(shared: Shared): Command {
  const command = new Command("check")
    .description("Say what is wrong with rule files. Needs no server. Exits 1 for errors.")
    .argument("[files...]", "files, or folders with .yaml and .yml files")
    .option("--strict", "exit 1 for warnings, too");
  withFiles(command);
  addExamples(command, "skald rules check rules/", "skald rules check --strict errors.yaml");
  return run(shared, command, (actions, files, options) => actions.check(files, options));
}

function test(shared: Shared): Command {
  const command = new Command("test")
    .description("Run unit tests of rules. Needs no server. Exits 1 when one fails.")
    .argument("<files...>", "test files; docs/using/rules.md shows one")
    .option("--run <regex>", "only tests whose name matches");
  addExamples(command, "skald rules test tests.yaml", "skald rules test --run=login tests/*.yaml");
  return run(shared, command, (actions, files, options) => actions.test(files, options));
}

function list(shared: Shared): Command {
  const command = new Command("list")
    .description("Print the groups of the server, or of files.")
    .argument("[files...]", "files or folders instead of the server")
    .option(
      "-o, --output <mode>",
      "default or jsonl (one group a line)",
      oneOf("default", "jsonl"),
      "default",
    );
  withNamespaces(withFiles(command));
  addExamples(command, "skald rules list --id=shop", "skald rules list rules/");
  return run(shared, command, (actions, files, options) => actions.list(files, options));
}

function print(shared: Shared): Command {
  const command = new Command("print")
    .description("Print the rules of the server, or of files, as YAML.")
    .argument("[files...]", "files or folders instead of the server");
  withNamespaces(withFiles(command));
  addExamples(command, "skald rules print --namespaces=shop > shop.yaml");
  return run(shared, command, (actions, files, options) => actions.print(files, options));
}

function diff(shared: Shared): Command {
  const command = new Command("diff")
    .description("Show what sync would change on the server. Changes nothing.")
    .argument("[files...]", "files or folders")
    .option("--exit-code", "exit 1 when there are differences");
  withNamespaces(withFiles(command));
  addExamples(
    command,
    "skald rules diff --address=http://loki:3100 --id=shop rules/",
    "skald rules diff --namespaces=shop --exit-code rules/",
  );
  return run(shared, command, (actions, files, options) => actions.diff(files, options));
}

function sync(shared: Shared): Command {
  const command = new Command("sync")
    .description("Make the rules of the server equal to the files: create, replace, delete.")
    .argument("[files...]", "files or folders")
    .option("--dry-run", "show what would change, as diff does; change nothing")
    .option("--concurrency <n>", "groups written at the same time", wholeNumber(1), 8);
  withNamespaces(withFiles(command));
  addExamples(
    command,
    "skald rules sync --id=shop --dry-run rules/",
    "skald rules sync --id=shop --ignored-namespaces=by-hand rules/",
  );
  return run(shared, command, (actions, files, options) => actions.sync(files, options));
}
