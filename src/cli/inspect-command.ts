import { resolve } from "node:path";
import { Command } from "commander";
import { isLokiChunk } from "#lokichunk";
import { inspectSegment } from "#segment";
import { CliError, exitFailed } from "./cli-error.ts";
import { addExamples, type CommandContext } from "./command-context.ts";
import { inspectJournal, isJournalFile } from "./inspect-journal.ts";
import { inspectLokiChunk } from "./inspect-loki-chunk.ts";
import { inspectLokiIndex } from "./inspect-loki-index.ts";

export function inspectCommand(context: CommandContext): Command {
  const command = new Command("inspect")
    .description(
      "Print what is in segments, journal files, chunks and index files of Loki; verify every checksum.",
    )
    .argument("<file...>", "segments, chunks, indexes, or the files of one journal in their order")
    .option("-q, --quiet", "print damage only");
  addExamples(
    command,
    "skald inspect data/wal/0000000001.journal",
    "find data/chunks -name '*.seg' | xargs skald inspect -q",
    "Exit code 1: something is damaged.",
  );
  return command.action(async (names: readonly string[], options: { quiet?: true }) => {
    const { io } = context;
    for (const name of names) {
      const path = resolve(io.folder, name);
      const bytes = await io.files.read(path);
      if (bytes.length === 0) throw new CliError(`${name} is empty`);
      const found = isJournalFile(bytes)
        ? await inspectJournal(name, bytes)
        : isLokiChunk(bytes)
          ? inspectLokiChunk(name, bytes)
          : ((await inspectLokiIndex(name, path, bytes)) ?? inspectSegment(name, bytes));
      const lines = options.quiet === true ? found.problems : found.lines;
      await io.stdout.write(lines.map((line) => `${line}\n`).join(""));
      if (found.problems.length > 0) context.exitCode = exitFailed;
    }
  });
}
