import { Command } from "commander";
import { listOf, objectOf } from "./answers.ts";
import { oneOf, wholeNumber } from "./arguments.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { tableLines } from "./table-lines.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface FieldsOptions extends TimeRangeOptions {
  readonly limit: number;
  readonly lineLimit: number;
  readonly output: "default" | "jsonl";
}

export function detectedFieldsCommand(context: CommandContext): Command {
  const command = new Command("detected-fields")
    .description("Print the fields found in the lines of a query, or the values of one.")
    .argument("<query>", "LogQL without aggregation")
    .argument("[field]", "print the values of this field")
    .option("--limit <n>", "fields to print", wholeNumber(1), 100)
    .option("--line-limit <n>", "lines to look at", wholeNumber(1), 1000);
  addTimeRange(command).option(
    "-o, --output <mode>",
    "default or jsonl",
    oneOf("default", "jsonl"),
    "default",
  );
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald detected-fields '{app="checkout"}'`,
    `skald detected-fields '{app="checkout"}' status`,
  );
  return command.action(
    async (query: string, field: string | undefined, options: FieldsOptions) => {
      const { io } = context;
      const { fromNs, toNs } = timeRangeOf(options, io);
      const params = new URLSearchParams({
        query,
        start: String(fromNs),
        end: String(toNs),
        limit: String(options.limit),
        line_limit: String(options.lineLimit),
      });
      const path =
        field === undefined
          ? "/loki/api/v1/detected_fields"
          : `/loki/api/v1/detected_field/${encodeURIComponent(field)}/values`;
      const client = await clientOf(options, io);
      const answer = objectOf(await client.json(path, params), "the answer");
      const isJson = options.output === "jsonl";
      const lines =
        field === undefined
          ? fieldLines(listOf(answer["fields"], "fields"), isJson)
          : listOf(answer["values"], "values").map((one) =>
              isJson ? JSON.stringify(one) : String(one),
            );
      await io.stdout.write(lines.map((line) => `${line}\n`).join(""));
    },
  );
}

function fieldLines(fields: readonly unknown[], isJson: boolean): string[] {
  if (isJson) return fields.map((field) => JSON.stringify(field));
  const rows = fields.map((one) => {
    const field = objectOf(one, "a field");
    const parsers = listOf(field["parsers"], "parsers").join(", ");
    return [field["label"], field["type"], field["cardinality"], parsers].map(String);
  });
  return tableLines([["label", "type", "cardinality", "parsers"], ...rows]);
}
