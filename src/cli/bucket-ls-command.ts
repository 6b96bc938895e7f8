import { Command } from "commander";
import { type BucketObject, dayText, objectsOf } from "#bucket";
import { addSource, openSource, scopeOf, type SourceFlags } from "./bucket-source.ts";
import { formatByteCount } from "./byte-count.ts";
import { addExamples, type CommandContext } from "./command-context.ts";
import { tableLines } from "./table-lines.ts";

interface LsFlags extends SourceFlags {
  readonly objects?: true;
  readonly json?: true;
}

interface Group {
  readonly place: string;
  readonly kind: string;
  readonly tenant: string;
  readonly day: string;
  readonly table: string;
  objects: number;
  bytes: number;
}

export function bucketLsCommand(context: CommandContext): Command {
  const command = new Command("ls").description("Print what lies in a bucket, by tenant and day.");
  addSource(command, context)
    .option("--objects", "every object, with its size")
    .option("--json", "one object a line");
  addExamples(
    command,
    "skald bucket ls -config.file=skald.yaml --tenant=team-a",
    "skald bucket ls --store=/var/lib/loki/chunks --objects --json",
  );
  return command.action(async (flags: LsFlags) => {
    const { io } = context;
    const { bucket } = await openSource(flags, context);
    const groups = new Map<string, Group>();
    for await (const object of objectsOf(bucket, scopeOf(flags), io.interrupted)) {
      if (flags.objects === true) await io.stdout.line(objectLine(object, flags.json === true));
      else add(groups, object);
    }
    if (flags.objects === true) return;
    const rows = [...groups.values()].sort(byPlace);
    if (flags.json === true) {
      for (const row of rows) await io.stdout.line(JSON.stringify(row));
      return;
    }
    const cells = rows.map((row) => [
      row.tenant,
      row.day,
      row.kind,
      row.table,
      String(row.objects),
      formatByteCount(row.bytes),
      ...(bucket.places.length > 1 ? [row.place] : []),
    ]);
    const header = ["TENANT", "DAY", "KIND", "TABLE", "OBJECTS", "STORED"];
    const lines = tableLines([bucket.places.length > 1 ? [...header, "STORE"] : header, ...cells]);
    for (const line of lines) await io.stdout.line(line);
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    const objects = rows.reduce((sum, row) => sum + row.objects, 0);
    await io.stdout.line(`${objects} objects, ${formatByteCount(bytes)}`);
  });
}

function objectLine(
  { place, kind, tenant, table, fromDay, info }: BucketObject,
  isJson: boolean,
): string {
  const { key, sizeBytes, modifiedMs } = info;
  if (!isJson) return `${String(sizeBytes).padStart(12)}  ${kind.padEnd(7)}  ${key}`;
  const day = fromDay === undefined ? undefined : dayText(fromDay);
  const modified = new Date(modifiedMs).toISOString();
  return JSON.stringify({
    store: place.name,
    key,
    kind,
    tenant,
    day,
    table,
    bytes: sizeBytes,
    modified,
  });
}

function add(groups: Map<string, Group>, object: BucketObject): void {
  const { place, kind, tenant = "-", table = "-", fromDay, info } = object;
  const day = fromDay === undefined ? "-" : dayText(fromDay);
  const id = [place.name, tenant, day, kind, table].join("\0");
  let group = groups.get(id);
  if (group === undefined) {
    group = { place: place.name, kind, tenant, day, table, objects: 0, bytes: 0 };
    groups.set(id, group);
  }
  group.objects++;
  group.bytes += info.sizeBytes;
}

function byPlace(a: Group, b: Group): number {
  for (const name of ["place", "tenant", "day", "kind", "table"] as const) {
    if (a[name] !== b[name]) return a[name] < b[name] ? -1 : 1;
  }
  return 0;
}
