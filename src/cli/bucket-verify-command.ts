import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { isStoreError } from "#base";
import { type BucketFinding, verifyBucket } from "#bucket";
import { BucketProgress } from "./bucket-progress.ts";
import { addSource, openSource, scopeOf, type SourceFlags } from "./bucket-source.ts";
import { formatByteCount } from "./byte-count.ts";
import { exitFailed } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, type CommandContext } from "./command-context.ts";
import { inspectJournal } from "./inspect-journal.ts";

interface VerifyFlags extends SourceFlags {
  readonly sample: number;
  readonly json?: true;
  readonly quiet?: true;
}

/** Findings on their way to the output: a bucket in ruins must not fill the memory. */
const unwrittenMax = 10_000;

export function bucketVerifyCommand(context: CommandContext): Command {
  const command = new Command("verify").description(
    "Read a bucket strictly: checksums, order, and whether index and chunks agree.",
  );
  addSource(command, context)
    .option("--sample <percent>", "read only so many of the chunks and segments", percent, 1)
    .option("--json", "findings as JSON, one a line")
    .option("-q, --quiet", "no progress");
  addExamples(
    command,
    "skald bucket verify -config.file=skald.yaml",
    "skald bucket verify --store=s3://logs --from=2d --sample=5%",
    "Exit code 1: something is damaged or missing. What lies unused is no damage.",
  );
  return command.action(async (flags: VerifyFlags) => {
    const { io } = context;
    const opened = await openSource(flags, context);
    const progress = new BucketProgress(io, flags.quiet === true);
    const writer = new FindingWriter(io, flags.json === true, progress);
    const counts = await verifyBucket(opened.bucket, {
      scope: scopeOf(flags),
      sample: flags.sample,
      signal: io.interrupted,
      onFinding: (finding) => writer.add(finding),
      onProgress: (stage, { indexFiles, segments, chunks, bytes, damage }) => {
        progress.at(
          () =>
            `${stage}: ${indexFiles} index files, ${segments} segments, ${chunks} chunks, ` +
            `${formatByteCount(bytes)}, ${damage} damaged`,
        );
      },
    });
    const isPart = flags.tenant !== undefined || flags.from !== undefined || flags.to !== undefined;
    const journal =
      opened.journalFolder === undefined || isPart
        ? 0
        : await verifyJournal(opened.journalFolder, io, writer);
    await writer.end();
    progress.clear();
    const damage = counts.damage + writer.journalDamage;
    const { indexFiles, segments, chunks, chunksNotRead, bytes, waste, recentObjects } = counts;
    const unread = chunksNotRead > 0 ? `, ${chunksNotRead} chunks not read` : "";
    const recent = recentObjects > 0 ? `, ${recentObjects} too young to be listed` : "";
    await io.stderr.line(
      `${indexFiles} index files, ${segments} segments, ${chunks} chunks${unread}, ` +
        `${journal} journal files, ${formatByteCount(bytes)} read: ${damage} damaged, ` +
        `${waste} unused${recent}`,
    );
    if (damage > 0) context.exitCode = exitFailed;
  });
}

function percent(text: string): number {
  const value = Number(text.replace(/%$/, ""));
  if (value > 0 && value <= 100) return value / 100;
  throw new InvalidArgumentError("It is a number above 0, up to 100.");
}

class FindingWriter {
  journalDamage = 0;
  readonly #io: CliIo;
  readonly #isJson: boolean;
  readonly #progress: BucketProgress;
  #written: Promise<void> = Promise.resolve();
  #waiting = 0;
  #dropped = 0;

  constructor(io: CliIo, isJson: boolean, progress: BucketProgress) {
    this.#io = io;
    this.#isJson = isJson;
    this.#progress = progress;
  }

  add(finding: BucketFinding): void {
    if (finding.what === "journal") this.journalDamage++;
    if (this.#waiting >= unwrittenMax) {
      this.#dropped++;
      return;
    }
    const { severity, what, place, key, offset, text } = finding;
    const isNamed = text.startsWith(`${key} at byte`);
    const where = isNamed ? text : `${key} at byte ${offset}: ${text}`;
    const line = this.#isJson
      ? JSON.stringify(finding)
      : `${severity}  ${what}  ${place}: ${where}`;
    this.#progress.clear();
    this.#waiting++;
    this.#written = this.#written.then(async () => {
      await this.#io.stdout.line(line);
      this.#waiting--;
    });
    // It is awaited at the end; a reader that left is found out there.
    this.#written.catch(() => undefined);
  }

  async end(): Promise<void> {
    await this.#written;
    if (this.#dropped > 0) await this.#io.stderr.line(`${this.#dropped} more findings`);
  }
}

/** Each file by itself, from a copy in memory: a running process is not disturbed. */
async function verifyJournal(folder: string, io: CliIo, writer: FindingWriter): Promise<number> {
  let names: string[];
  try {
    names = (await io.files.list(folder)).map(({ name }) => name);
  } catch (error) {
    if (isStoreError(error, "missing")) return 0;
    throw error;
  }
  const files = names.filter((name) => /^\d{10}\.journal$/.test(name)).sort();
  for (const name of files) {
    const path = join(folder, name);
    const bytes = await readFile(path, io);
    if (bytes === undefined) continue;
    for (const text of (await inspectJournal(path, bytes)).problems) {
      const offset = Number(/ at byte (\d+)/.exec(text)?.[1] ?? 0);
      const where = { place: "journal", key: path, offset };
      const what = text.startsWith(`${path}: `) ? text.slice(path.length + 2) : text;
      writer.add({ ...where, severity: "damage", what: "journal", text: what });
    }
  }
  return files.length;
}

/** Undefined for a file that is gone: what it held is in segments by now. Empty: just begun. */
async function readFile(path: string, io: CliIo): Promise<Buffer | undefined> {
  try {
    const bytes = await io.files.read(path);
    return bytes.length === 0 ? undefined : bytes;
  } catch (error) {
    if (isStoreError(error, "missing")) return undefined;
    throw error;
  }
}
