import { Argument, Command } from "commander";
import { listOf, objectOf, textOf } from "./answers.ts";
import { oneOf } from "./arguments.ts";
import { formatByteCount } from "./byte-count.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { tableLines } from "./table-lines.ts";

interface RetentionOptions {
  readonly ahead: string;
  readonly only?: string;
  readonly output: "default" | "jsonl";
}

/** Asks a running Skald: it knows the limits in force and what is stored. Nothing is touched. */
export function retentionCommand(context: CommandContext): Command {
  const command = new Command("retention")
    .description("Print which objects retention would take, when and why. Touches nothing.")
    .addArgument(new Argument("<what>", "plan").choices(["plan"]))
    .option("--ahead <duration>", "how far to look ahead, such as 12h or 7d", "24h")
    .option("--only <tenant>", "what goes of this tenant (default: of all)")
    .option(
      "-o, --output <mode>",
      "default or jsonl (one object a line)",
      oneOf("default", "jsonl"),
      "default",
    );
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(command, "skald retention plan --ahead=7d", "skald retention plan -o jsonl");
  return command.action(async (_what: string, options: RetentionOptions) => {
    const { io } = context;
    const params = new URLSearchParams({ ahead: options.ahead });
    if (options.only !== undefined) params.set("tenant", options.only);
    const client = await clientOf(options, io);
    const answer = objectOf(await client.json("/skald/api/v1/retention/plan", params), "the plan");
    const items = listOf(answer["items"], "the plan").map((item) => objectOf(item, "an item"));
    if (options.output === "jsonl") {
      for (const item of items) await io.stdout.line(JSON.stringify(item));
      return;
    }
    const until = textOf(answer["until"], "until");
    if (items.length === 0) return io.stdout.line(`Nothing goes before ${until}.`);
    const rows = items.map((item) => [
      ...["due", "tenant", "action", "reason"].map((name) => textOf(item[name], name)),
      formatByteCount(Number(item["stored_bytes"])),
      textOf(item["object"], "object"),
    ]);
    for (const line of tableLines([
      ["DUE", "TENANT", "ACTION", "REASON", "STORED", "OBJECT"],
      ...rows,
    ])) {
      await io.stdout.line(line);
    }
    const bytes = formatByteCount(Number(answer["dropped_bytes"]));
    await io.stdout.line(`${bytes} would be dropped before ${until}.`);
  });
}
