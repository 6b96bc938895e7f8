import { createReadStream } from "node:fs";
import { basename, resolve } from "node:path";
import { Command } from "commander";
import { MiB, messageOf, second } from "#base";
import { type LabelPair, Labels } from "#model";
import { collect, oneOf } from "./arguments.ts";
import { CliError, usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { PushBatchBuilder } from "./push-batch.ts";
import { readJsonl } from "./push-jsonl.ts";
import { LineSplitter } from "./push-lines.ts";
import { PushProgress } from "./push-progress.ts";
import { PushSender, pushFailure } from "./push-sender.ts";

interface PushOptions {
  readonly label?: readonly string[];
  readonly format: "raw" | "jsonl";
  readonly metadataLabel?: readonly string[];
  readonly timestampNow?: true;
  readonly quiet?: true;
}

/** A batch is sent when it has this much (uncompressed), or this long after its first line. */
const batchBytesMax: number = MiB;
const batchWaitMs: number = second;

export function pushCommand(context: CommandContext): Command {
  const command = new Command("push")
    .description("Send lines of files or of standard input to a server.")
    .argument("[file...]", "default, and '-': standard input")
    .option("-l, --label <name=value>", "label of the stream (repeatable; job=skald-push)", collect)
    .option(
      "--format <format>",
      "raw (lines), or jsonl: as query -o jsonl prints them",
      oneOf("raw", "jsonl"),
      "raw",
    )
    .option(
      "--metadata-label <name>",
      "jsonl: this label is structured metadata (repeatable; detected_level)",
      collect,
    )
    .option("--timestamp-now", "jsonl: the present as timestamp; raw lines always have it");
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `dmesg | skald push --label job=dmesg --label "host=$(hostname)"`,
    "skald push --org-id=team-a --label env=prod /var/log/nginx/*.log",
    `skald export '{app="a"}' | skald push --format=jsonl --addr=http://new:3100`,
  );
  return command.action(async (files: readonly string[], options: PushOptions) => {
    await push(files, options, context.io);
  });
}

async function push(files: readonly string[], options: PushOptions, io: CliIo): Promise<void> {
  const given = givenLabels(options.label ?? []);
  const labels = given.has("job") ? given : Labels.of([defaultJob, ...given.pairs]);
  const client = await clientOf(options, io);
  const progress = new PushProgress(io, options.quiet === true);
  const sender = new PushSender(client, io, (text) => progress.note(text));
  const pusher = new Pusher({ io, options, sender, labels, given });
  progress.start(sender);
  try {
    for (const file of files.length === 0 ? ["-"] : files) await pusher.push(file);
    await pusher.finish();
  } finally {
    await progress.stop();
  }
  if (sender.failedBatchCount > 0) throw pushFailure(sender);
}

function givenLabels(texts: readonly string[]): Labels {
  const pairs = texts.map((text): LabelPair => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw usageError(`--label: ${JSON.stringify(text)} is not name=value`);
  });
  return Labels.of(pairs);
}

const defaultJob: LabelPair = ["job", "skald-push"];

interface PusherParts {
  readonly io: CliIo;
  readonly options: PushOptions;
  readonly sender: PushSender;
  /** Of entries that bring none. */
  readonly labels: Labels;
  /** By the user, without what is added when there are none. */
  readonly given: Labels;
}

class Pusher {
  readonly #parts: PusherParts;
  readonly #batch = new PushBatchBuilder();
  readonly #metadataNames: ReadonlySet<string>;
  #lastNs = 0n;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: PusherParts) {
    this.#parts = parts;
    this.#metadataNames = new Set(parts.options.metadataLabel ?? ["detected_level"]);
  }

  async push(file: string): Promise<void> {
    const { io, labels, options, sender } = this.#parts;
    const source = file === "-" ? "standard input" : file;
    const isFile = file !== "-";
    const own = isFile && !labels.has("filename") ? withFileName(labels, file) : labels;
    const splitter = new LineSplitter(source);
    const add = (bytes: Buffer, from: number, to: number): void => {
      const place = { source, line: splitter.lineCount };
      if (options.format === "jsonl") this.#addJson(bytes.toString("utf8", from, to), own, place);
      else this.#addLine(own, { bytes, from, to }, place);
      if (this.#batch.sizeBytes >= batchBytesMax) this.#flush();
    };
    for await (const chunk of isFile ? readFile(file, io) : io.stdin) {
      if (io.interrupted.aborted) throw io.interrupted.reason;
      splitter.take(Buffer.from(chunk), add);
      await sender.room();
    }
    splitter.finish(add);
    // A batch does not mix files: what is refused is named by its file.
    this.#flush();
    await sender.room();
  }

  async finish(): Promise<void> {
    this.#flush();
    await this.#parts.sender.finish();
  }

  #addLine(
    labels: Labels,
    { bytes, from, to }: { bytes: Buffer; from: number; to: number },
    place: { source: string; line: number },
  ): void {
    this.#batch.add(labels, { timeNs: this.#nowNs(), bytes, from, to, metadata: [] }, place);
    this.#armTimer();
  }

  #addJson(text: string, labels: Labels, place: { source: string; line: number }): void {
    if (text.trim() === "") return;
    const { given } = this.#parts;
    let entry: ReturnType<typeof readJsonl>;
    try {
      entry = readJsonl(text, { metadataNames: this.#metadataNames, labels, added: given });
    } catch (error) {
      const hints = [`Each line is {"labels":{"app":"a"},"line":"…","timestamp":"2024-…Z"}.`];
      throw new CliError(`${place.source}: line ${place.line}: ${messageOf(error)}`, { hints });
    }
    const { line, metadata } = entry;
    const isNow = this.#parts.options.timestampNow === true;
    const timeNs = isNow ? this.#nowNs() : (entry.timeNs ?? this.#nowNs());
    this.#batch.add(
      entry.labels,
      { timeNs, bytes: line, from: 0, to: line.length, metadata },
      place,
    );
    this.#armTimer();
  }

  /** Always later than the one before: two equal lines with one timestamp would be stored once. */
  #nowNs(): bigint {
    const nowNs = this.#parts.io.clock.nowNs();
    this.#lastNs = nowNs > this.#lastNs ? nowNs : this.#lastNs + 1n;
    return this.#lastNs;
  }

  /** So that a slow pipe is seen soon, too. */
  #armTimer(): void {
    this.#cancelTimer ??= this.#parts.io.clock.schedule(batchWaitMs, () => {
      this.#cancelTimer = undefined;
      if (!this.#parts.sender.isFull) this.#flush();
      else this.#armTimer();
    });
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#batch.entryCount > 0) this.#parts.sender.start(this.#batch.take());
  }
}

function withFileName(labels: Labels, file: string): Labels {
  return Labels.of([...labels.pairs, ["filename", file]]);
}

async function* readFile(file: string, io: CliIo): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* createReadStream(resolve(io.folder, file), {
      highWaterMark: MiB / 4,
      signal: io.interrupted,
    }) as AsyncIterable<Buffer>;
  } catch (error) {
    if (io.interrupted.aborted) throw io.interrupted.reason;
    throw new CliError(`cannot read ${basename(file)}: ${messageOf(error)}`);
  }
}
