import { Command } from "commander";
import {
  dayText,
  migrateBucket,
  type MigratedDay,
  type MigrateResult,
  type NewPeriod,
  periodsAfter,
  type StreamProof,
  sumText,
} from "#bucket";
import { BucketProgress } from "./bucket-progress.ts";
import {
  addSource,
  type OpenedBucket,
  openSource,
  scopeOf,
  type SourceFlags,
} from "./bucket-source.ts";
import { exitFailed } from "./cli-error.ts";
import { addExamples, type CommandContext } from "./command-context.ts";

interface MigrateFlags extends SourceFlags {
  readonly into?: string;
  readonly dryRun?: true;
  readonly skipDamaged?: true;
  readonly streams?: true;
  readonly json?: true;
  readonly quiet?: true;
}

export function bucketMigrateCommand(context: CommandContext): Command {
  const command = new Command("migrate").description(
    "Copy Loki's chunks into Skald's own segments, and prove that both hold the same.",
  );
  addSource(command, context)
    .option("--into <name>", "an object store of the configuration (default: the same)")
    .option("--dry-run", "only say what would be done")
    .option("--skip-damaged", "leave out chunks that cannot be read, and name them")
    .option("--streams", "count and checksum of every stream")
    .option("--json", "results as JSON, one a line")
    .option("-q, --quiet", "no progress");
  addExamples(
    command,
    "skald bucket migrate -config.file=skald.yaml --dry-run",
    "skald bucket migrate -config.file=skald.yaml --from=2024-01-01 --to=2026-01-01",
    "Chunks stay as they are. The next run goes on where a stopped one was.",
  );
  return command.action(async (flags: MigrateFlags) => {
    const { io } = context;
    const opened = await openSource(flags, context);
    const target = flags.into === undefined ? undefined : await opened.namedStore(flags.into);
    const progress = new BucketProgress(io, flags.quiet === true);
    const isJson = flags.json === true;
    let written: Promise<void> = Promise.resolve();
    const say = (line: string): void => {
      progress.clear();
      written = written.then(() => io.stdout.line(line));
      written.catch(() => undefined);
    };
    const result = await migrateBucket(opened.bucket, {
      scope: scopeOf(flags),
      target,
      isDryRun: flags.dryRun === true,
      skipsDamaged: flags.skipDamaged === true,
      signal: io.interrupted,
      onStream: (proof) => {
        if (flags.streams === true) say(streamLine(proof, isJson));
      },
      onTenantDay: (done) => say(dayLine(done, isJson)),
      onProgress: ({ tenant, day, chunks, chunksTotal }) => {
        progress.at(() => `${tenant} ${dayText(day)}: ${chunks} of ${chunksTotal} chunks`);
      },
    });
    await written;
    progress.clear();
    if (result.failed > 0) context.exitCode = exitFailed;
    await io.stderr.write(summary(result, flags, opened));
  });
}

function streamLine({ tenant, day, labels, sum }: StreamProof, isJson: boolean): string {
  const facts = { day: dayText(day), entries: sum.count, checksum: sumText(sum) };
  if (isJson) return JSON.stringify({ tenant, stream: labels.toString(), ...facts });
  return `  ${facts.checksum}  ${facts.entries}  ${labels.toString()}`;
}

function dayLine(done: MigratedDay, isJson: boolean): string {
  const { tenant, day, outcome, chunks, segments, streams, sum, reason, damagedChunks } = done;
  const checksum = sumText(sum);
  if (isJson) {
    const entries = sum.count;
    const facts = { chunks, segments, streams, entries, checksum, lineBytes: done.lineBytes };
    return JSON.stringify({ tenant, day: dayText(day), outcome, ...facts, reason, damagedChunks });
  }
  const place = `${tenant}  ${dayText(day)}`;
  if (outcome === "failed") return `${place}  FAILED: ${reason}`;
  if (outcome === "planned") return `${place}  ${chunks} chunks would become ${segments} segments`;
  const facts =
    `${chunks} chunks = ${segments} segments: ${streams} streams, ${sum.count} entries, ` +
    `checksum ${checksum}`;
  const lost = damagedChunks.map((key) => `\n  left out, cannot be read: ${key}`).join("");
  return `${place}  ${outcome === "known" ? "done before: " : ""}${facts}${lost}`;
}

function summary(result: MigrateResult, flags: MigrateFlags, opened: OpenedBucket): string {
  const { days, tenantDays, failed, sum, incomplete } = result;
  if (days === 0) return "There are no tables of Loki's format in this range.\n";
  if (flags.dryRun === true) return "Nothing was written.\n";
  const lines = [
    `${tenantDays} tenants and days, ${sum.count} entries compared, ${failed} failed`,
    ...(incomplete.length === 0
      ? []
      : [`${incomplete.length} days are not complete: a tenant of theirs was not migrated`]),
  ];
  const periods = periodsAfter(result);
  if (periods.length > 0) lines.push(...switchLines(periods, flags, opened));
  return `${lines.join("\n")}\n`;
}

function switchLines(
  periods: readonly NewPeriod[],
  flags: MigrateFlags,
  opened: OpenedBucket,
): string[] {
  const store = flags.into ?? opened.storeOfPlace(opened.bucket.places[0]!.name);
  const entries = periods.map((period) => {
    if (period.store === "skald") {
      return `    - {from: ${period.from}, store: skald, object_store: ${store}}`;
    }
    const { place, table } = period.table;
    const { schema, indexPrefix, pathPrefix } = table.period;
    const index = `{prefix: ${indexPrefix}, path_prefix: ${pathPrefix}, period: 24h}`;
    const name = opened.storeOfPlace(place.name);
    const layout = `object_store: ${name}, schema: ${schema}, index: ${index}`;
    return `    - {from: ${period.from}, store: tsdb, ${layout}}`;
  });
  return [
    "To have these days read from segments: stop Skald, run this once more (it takes only what",
    "came since), put this into schema_config in place of the periods of these days, start Skald:",
    ...entries,
    "Segments answer alike; chunks and index stay, and can be deleted by you once all is well.",
  ];
}
