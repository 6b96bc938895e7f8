import { Command } from "commander";
import { durationOrSeconds, wholeNumber } from "./arguments.ts";
import { listOf, objectOf, readStreams } from "./answers.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addOutput, EntryPrinter, type OutputOptions } from "./entry-printer.ts";
import { type HttpClient, RequestFailure } from "./http-client.ts";
import { sortByTime } from "./query-pages.ts";
import { followTail } from "./tail-client.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";
import { TailPosition } from "./tail-position.ts";

interface TailOptions extends OutputOptions, TimeRangeOptions {
  readonly limit: number;
  readonly delayFor?: bigint;
}

export interface TailQuery {
  readonly query: string;
  readonly fromNs: bigint;
  /** Of the entries that are there already. */
  readonly limit: number;
  readonly delayNs: bigint;
}

export function tailCommand(context: CommandContext): Command {
  const command = new Command("tail")
    .description("Print new entries as they arrive, until Ctrl-C.")
    .argument("<query>", "LogQL without aggregation")
    .option("--limit <n>", "entries from before to start with", wholeNumber(0), 30)
    .option("--delay-for <duration>", "wait for late entries, at most 5s", durationOrSeconds);
  addTimeRange(command);
  addOutput(command);
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald tail '{app="checkout"}'`,
    `skald tail --since=5m -o raw '{app="checkout"} | json | status >= 500'`,
  );
  return command.action(async (query: string, options: TailOptions) => {
    const { io } = context;
    const printer = new EntryPrinter(options, io);
    const { fromNs } = timeRangeOf(options, io);
    const asked = { query, fromNs, limit: options.limit, delayNs: options.delayFor ?? 0n };
    await runTail(asked, { client: await clientOf(options, io), printer, io });
  });
}

/** How often in a row a lost connection is opened again before the tail gives up. */
const reconnectsMax = 10;
const reconnectWaitMsMax = 10_000;

/** After a lost connection, entries of the gap that are asked for: within every server's limit. */
const resumedCountMin = 1000;

/** Ends quietly when the user interrupts it. */
export async function runTail(
  asked: TailQuery,
  tools: { client: HttpClient; printer: EntryPrinter; io: CliIo },
): Promise<void> {
  try {
    await tailUntilLost(asked, tools);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
}

async function tailUntilLost(
  asked: TailQuery,
  { client, printer, io }: { client: HttpClient; printer: EntryPrinter; io: CliIo },
): Promise<void> {
  const position = new TailPosition(asked.fromNs);
  let failures = 0;
  let hasAnswered = false;
  for (;;) {
    const params = tailParameters(asked, position);
    const onFrame = async (text: string): Promise<void> => {
      [failures, hasAnswered] = [0, true];
      await printFrame(text, { position, printer });
    };
    const onOpen = (): void => {
      hasAnswered = true;
    };
    const lost = await followTail({ client, io, params, onOpen, onFrame });
    // A server that never answered, or that refuses, will not change its mind while we wait.
    if (!hasAnswered || (lost instanceof RequestFailure && !lost.isPassing)) throw lost;
    failures++;
    if (failures > reconnectsMax) {
      throw new CliError(`the tail ended: ${lost.message}, ${reconnectsMax} times in a row`);
    }
    const waitMs = Math.min(reconnectWaitMsMax, 250 * 2 ** (failures - 1));
    await printer.note(`connection lost (${lost.message}); again in ${waitMs / 1000} s`);
    await io.clock.sleep(waitMs, io.interrupted);
  }
}

function tailParameters(asked: TailQuery, position: TailPosition): URLSearchParams {
  const { fromNs, isResumed } = position.open();
  const limit = isResumed ? Math.max(asked.limit, resumedCountMin) : asked.limit;
  const delaySeconds = (asked.delayNs + 999_999_999n) / 1_000_000_000n;
  return new URLSearchParams({
    query: asked.query,
    start: String(fromNs),
    limit: String(limit),
    delay_for: String(delaySeconds),
  });
}

async function printFrame(
  text: string,
  { position, printer }: { position: TailPosition; printer: EntryPrinter },
): Promise<void> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new CliError(`the tail sent no JSON but ${JSON.stringify(text.slice(0, 80))}`);
  }
  const frame = objectOf(json, "a frame of the tail");
  const entries = position.take(sortByTime(readStreams(frame["streams"]), "forward"));
  await printer.printTail(entries);
  const dropped = listOf(frame["dropped_entries"], "dropped_entries").length;
  if (dropped > 0) {
    await printer.note(`warning: the server dropped ${dropped} entries, this reader was too slow`);
  }
}
