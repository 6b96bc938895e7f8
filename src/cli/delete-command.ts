import { Argument, Command } from "commander";
import { formatRfc3339Nano } from "#gofmt";
import { listOf, objectOf, textOf } from "./answers.ts";
import { oneOf } from "./arguments.ts";
import { usageError } from "./cli-error.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import type { HttpClient } from "./http-client.ts";
import { tableLines } from "./table-lines.ts";
import { momentOf } from "./time-range.ts";

interface DeleteOptions {
  readonly from?: string;
  readonly to?: string;
  readonly maxInterval?: string;
  readonly force?: boolean;
  readonly output: "default" | "jsonl";
}

const path = "/loki/api/v1/delete";

/** As LogCLI's: `delete create`, `delete list`, `delete cancel`. */
export function deleteCommand(context: CommandContext): Command {
  const command = new Command("delete")
    .description("Ask for entries to be deleted, list such requests, or cancel one.")
    .addArgument(
      new Argument("<action>", "create, list or cancel").choices(["create", "list", "cancel"]),
    )
    .argument("[subject]", "create: selector and filters; cancel: the request's id")
    .option("--from <time>", "create: first entry (inclusive): 2024-05-01T10:00:00Z, now-2h")
    .option("--to <time>", "create: last entry (default: now)")
    .option("--max-interval <duration>", "create: sent along, for a Loki")
    .option("--force", "cancel: also what was begun")
    .option("-o, --output <mode>", "list: default or jsonl", oneOf("default", "jsonl"), "default");
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald delete create --from=now-2d '{app="shop"} |= "card="'`,
    "skald delete list",
    "skald delete cancel 1f2e3d4c",
  );
  return command.action(
    async (action: string, subject: string | undefined, options: DeleteOptions) => {
      const client = await clientOf(options, context.io);
      if (action === "list") return list(client, context, options);
      if (subject === undefined) throw usageError(`delete ${action}: what?`);
      if (action === "create") return create(client, context, subject, options);
      const query = new URLSearchParams({ request_id: subject });
      if (options.force === true) query.set("force", "true");
      await client.send({ method: "DELETE", path, query, retries: 0 });
    },
  );
}

async function create(
  client: HttpClient,
  { io }: CommandContext,
  query: string,
  options: DeleteOptions,
): Promise<void> {
  if (options.from === undefined) throw usageError("delete create: --from is missing");
  const nowNs = io.clock.nowNs();
  const fromNs = momentOf("--from", options.from, nowNs);
  const toNs = options.to === undefined ? nowNs : momentOf("--to", options.to, nowNs);
  const params = new URLSearchParams({
    query,
    start: formatRfc3339Nano(fromNs),
    end: formatRfc3339Nano(toNs),
  });
  if (options.maxInterval !== undefined) params.set("max_interval", options.maxInterval);
  await client.send({ method: "POST", path, query: params, retries: 0 });
}

async function list(
  client: HttpClient,
  { io }: CommandContext,
  options: DeleteOptions,
): Promise<void> {
  const answer = await client.json(path, new URLSearchParams());
  const requests = listOf(answer, "the answer").map((one) => objectOf(one, "a request"));
  if (options.output === "jsonl") {
    for (const request of requests) await io.stdout.line(JSON.stringify(request));
    return;
  }
  const timeOf = (value: unknown): string => new Date(Number(value) * 1000).toISOString();
  const rows = requests.map((request) => [
    textOf(request["request_id"], "request_id"),
    textOf(request["status"], "status"),
    timeOf(request["created_at"]),
    timeOf(request["start_time"]),
    timeOf(request["end_time"]),
    textOf(request["query"], "query"),
  ]);
  if (rows.length === 0) return;
  for (const line of tableLines([["ID", "STATUS", "CREATED", "FROM", "TO", "QUERY"], ...rows])) {
    await io.stdout.line(line);
  }
}
