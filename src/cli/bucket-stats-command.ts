import { Command } from "commander";
import { dayText, sizeClasses, statsOfBucket } from "#bucket";
import { addSource, openSource, scopeOf, type SourceFlags } from "./bucket-source.ts";
import { formatByteCount } from "./byte-count.ts";
import { exitFailed } from "./cli-error.ts";
import { addExamples, type CommandContext } from "./command-context.ts";
import { tableLines } from "./table-lines.ts";

export function bucketStatsCommand(context: CommandContext): Command {
  const command = new Command("stats").description(
    "Add up streams, entries and bytes by tenant and day; sizes of objects.",
  );
  addSource(command, context).option("--json", "all of it as one JSON object");
  addExamples(
    command,
    "skald bucket stats -config.file=skald.yaml --from=30d",
    "skald bucket stats --store=s3://logs --tenant=team-a --json",
  );
  return command.action(async (flags: SourceFlags & { readonly json?: true }) => {
    const { io } = context;
    const { bucket } = await openSource(flags, context);
    const stats = await statsOfBucket(bucket, { scope: scopeOf(flags), signal: io.interrupted });
    if (stats.faults.length > 0) context.exitCode = exitFailed;
    for (const fault of stats.faults) await io.stderr.line(`not counted: ${fault}`);
    if (flags.json === true) {
      const days = stats.days.map((one) => ({ ...one, day: dayText(one.day) }));
      const classes = sizeClasses.map((most) => (Number.isFinite(most) ? most : null));
      const kinds = Object.fromEntries(stats.kinds);
      return io.stdout.line(JSON.stringify({ days, kinds, sizeClasses: classes }));
    }
    const rows = stats.days.map((one) => [
      one.tenant,
      dayText(one.day),
      one.format,
      String(one.streams),
      String(one.entries),
      formatByteCount(one.lineBytes),
      String(one.objects),
      formatByteCount(one.storedBytes),
    ]);
    const header = ["TENANT", "DAY", "FORMAT", "STREAMS", "ENTRIES", "LINES", "OBJECTS", "STORED"];
    for (const line of tableLines([header, ...rows])) await io.stdout.line(line);
    await io.stdout.line("");
    const classes = sizeClasses.map((most, i) =>
      Number.isFinite(most)
        ? `<=${formatByteCount(most)}`
        : `>${formatByteCount(sizeClasses[i - 1]!)}`,
    );
    const sizes = [...stats.kinds].map(([kind, { objects, bytes, histogram }]) => [
      kind,
      String(objects),
      formatByteCount(bytes),
      ...histogram.map(String),
    ]);
    for (const line of tableLines([["KIND", "OBJECTS", "STORED", ...classes], ...sizes])) {
      await io.stdout.line(line);
    }
  });
}
