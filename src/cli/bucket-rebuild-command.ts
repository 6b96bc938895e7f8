import { join } from "node:path";
import { Command } from "commander";
import { isStoreError } from "#base";
import { rebuildIndexes, type RebuiltTable } from "#bucket";
import { BucketProgress } from "./bucket-progress.ts";
import { addSource, openSource, scopeOf, type SourceFlags } from "./bucket-source.ts";
import { exitFailed } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, type CommandContext } from "./command-context.ts";

interface RebuildFlags extends SourceFlags {
  readonly dryRun?: true;
  readonly unlisted?: true;
  readonly removeDamaged?: true;
  readonly caches?: true;
  readonly quiet?: true;
}

export function bucketRebuildCommand(context: CommandContext): Command {
  const command = new Command("rebuild").description(
    "Make Loki's index anew from the chunks, where a tenant and day has none that can be read.",
  );
  addSource(command, context)
    .option("--dry-run", "only say what would be done")
    .option("--unlisted", "also list chunks that a sound index leaves out (retention may have)")
    .option("--remove-damaged", "delete index files that cannot be read, once there are others")
    .option("--caches", "instead: empty the caches on the local disk; they fill again")
    .option("-q, --quiet", "no progress");
  addExamples(
    command,
    "skald bucket rebuild -config.file=skald.yaml --dry-run",
    "skald bucket rebuild --store=/loki/chunks --from=2026-01-30 --to=2026-02-01",
    "Skald's own segments have no index beside them: nothing is rebuilt there.",
  );
  return command.action(async (flags: RebuildFlags) => {
    const { io } = context;
    const opened = await openSource(flags, context);
    if (flags.caches === true) return emptyCaches(opened.cacheFolders, io, flags.dryRun === true);
    const progress = new BucketProgress(io, flags.quiet === true);
    let [chunks, written] = [0, Promise.resolve()];
    const result = await rebuildIndexes(opened.bucket, {
      scope: scopeOf(flags),
      isDryRun: flags.dryRun === true,
      listsUnlisted: flags.unlisted === true,
      removesDamaged: flags.removeDamaged === true,
      signal: io.interrupted,
      onTable: (done) => {
        if (done.outcome === "sound") return;
        progress.clear();
        written = written.then(() => io.stdout.line(tableLine(done)));
        written.catch(() => undefined);
      },
      onChunk: () => {
        chunks++;
        progress.at(() => `${chunks} chunks read`);
      },
    });
    await written;
    progress.clear();
    for (const key of result.damagedFiles) {
      const isGone = result.removedFiles.includes(key);
      await io.stdout.line(`${isGone ? "removed" : "cannot be read"}: ${key}`);
    }
    await io.stderr.line(
      `${result.rebuilt} tables rebuilt from ${chunks} chunks, ${result.failed} in part`,
    );
    if (result.failed > 0) context.exitCode = exitFailed;
  });
}

function tableLine({
  table,
  tenant,
  outcome,
  chunks,
  unlisted,
  indexKey,
  faults,
}: RebuiltTable): string {
  const place = `${table}  ${tenant}`;
  const what = `${unlisted} of ${chunks} chunks are in no index`;
  switch (outcome) {
    case "sound":
      return `${place}  all ${chunks} chunks are listed`;
    case "left":
      return `${place}  ${what}; left so, as the index is sound (--unlisted lists them)`;
    case "planned":
      return `${place}  ${what}; they would be listed`;
    case "rebuilt":
      return `${place}  ${unlisted} chunks listed in ${indexKey}`;
    case "failed": {
      const lost = faults.map((text) => `\n  not listed: ${text}`).join("");
      return `${place}  ${unlisted - faults.length} of ${unlisted} chunks listed${lost}`;
    }
    default:
      return outcome satisfies never;
  }
}

/** Whoever runs meanwhile finds that something is not cached, and fetches it. */
async function emptyCaches(
  folders: readonly string[],
  io: CliIo,
  isDryRun: boolean,
): Promise<void> {
  for (const folder of folders) {
    const files = await filesBelow(folder, io);
    if (!isDryRun) for (const path of files) await io.files.remove(path);
    const what = isDryRun ? "would be removed" : "removed";
    await io.stdout.line(`${folder}: ${files.length} files ${what}`);
  }
}

/** Caches lie in folders within their folder. */
async function filesBelow(folder: string, io: CliIo): Promise<string[]> {
  try {
    const found: string[] = [];
    for (const { name, isFolder } of await io.files.list(folder)) {
      const path = join(folder, name);
      if (isFolder) found.push(...(await filesBelow(path, io)));
      else found.push(path);
    }
    return found;
  } catch (error) {
    if (isStoreError(error, "missing")) return [];
    throw error;
  }
}
