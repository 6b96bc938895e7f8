import type { CliIo } from "./cli-io.ts";
import { paintFor } from "./paint.ts";
import type { FileFault } from "./yaml-reader.ts";

/** Prints each fault with its place, as compilers do, and counts them. */
export async function showFaults(
  io: CliIo,
  faults: readonly FileFault[],
): Promise<{ errors: number; warnings: number }> {
  const paint = paintFor(io.stdout, io);
  for (const { file, line, column, level, message, excerpt } of faults) {
    const kind = paint(level === "error" ? "red" : "yellow", level);
    await io.stdout.line(`${paint("bold", `${file}:${line}:${column}`)}: ${kind}: ${message}`);
    for (const one of excerpt) await io.stdout.line(`    ${one}`);
  }
  const errors = faults.filter(({ level }) => level === "error").length;
  return { errors, warnings: faults.length - errors };
}
