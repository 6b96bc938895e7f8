/**
 * Downloads a range in parts: several at a time, each into a file of its own, which a repeated run
 * does not fetch again. Without files the parts are printed as they come, out of order.
 */
import { basename, dirname, resolve } from "node:path";
import { formatGoTime, utcZone } from "#gofmt";
import { usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { EntryPrinter } from "./entry-printer.ts";
import type { HttpClient } from "./http-client.ts";
import { type PagedQuery, queryPages } from "./query-pages.ts";

export interface ParallelOptions {
  readonly parallelDuration?: bigint;
  readonly parallelMaxWorkers: number;
  readonly partPathPrefix?: string;
  readonly overwriteCompletedParts?: true;
  readonly mergeParts?: true;
  readonly keepParts?: true;
}

export interface ParallelTools {
  readonly client: HttpClient;
  readonly printer: EntryPrinter;
  readonly io: CliIo;
}

const partDurationDefaultNs = 3_600_000_000_000n;

/** More would only be a mistake in the unit of --parallel-duration. */
const partCountMax = 100_000;

export async function queryInParallel(
  query: PagedQuery,
  options: ParallelOptions,
  tools: ParallelTools,
): Promise<void> {
  const parts = splitRange(query, options.parallelDuration ?? partDurationDefaultNs);
  const { partPathPrefix } = options;
  if (options.mergeParts === true && partPathPrefix === undefined) {
    throw usageError("--merge-parts needs --part-path-prefix");
  }
  if (query.limit !== undefined) {
    await tools.printer.note(
      `The limit of ${query.limit} is for each of ${parts.length} parts; --limit=0 is for all.`,
    );
  }
  const files = partPathPrefix === undefined ? undefined : new PartFiles(partPathPrefix, tools.io);
  const waiting = parts.values();
  const work = async (): Promise<void> => {
    for (const part of waiting) {
      if (files === undefined) await printPart(part, tools);
      else await downloadPart(part, { files, options, ...tools });
    }
  };
  const workers = Math.min(options.parallelMaxWorkers, parts.length);
  await Promise.all(Array.from({ length: workers }, work));
  if (files !== undefined && options.mergeParts === true) {
    await mergeParts(parts, { files, keep: options.keepParts === true, io: tools.io });
  }
}

/** In the order in which their entries are printed; the last one may be shorter. */
export function splitRange(query: PagedQuery, partNs: bigint): PagedQuery[] {
  if (partNs <= 0n) throw usageError("--parallel-duration: must be more than 0");
  const parts: PagedQuery[] = [];
  for (let fromNs = query.fromNs; fromNs < query.toNs; fromNs += partNs) {
    if (parts.length === partCountMax) throw usageError(`more than ${partCountMax} parts`);
    const end = fromNs + partNs;
    parts.push({ ...query, fromNs, toNs: end < query.toNs ? end : query.toNs });
  }
  return query.direction === "forward" ? parts : parts.reverse();
}

class PartFiles {
  readonly #prefix: string;
  readonly #io: CliIo;

  constructor(prefix: string, io: CliIo) {
    this.#prefix = resolve(io.folder, prefix);
    this.#io = io;
  }

  get io(): CliIo {
    return this.#io;
  }

  pathOf({ fromNs, toNs }: PagedQuery): string {
    const name = (ns: bigint): string => formatGoTime({ ns, zone: utcZone }, "20060102T150405");
    return `${this.#prefix}_${name(fromNs)}_${name(toNs)}.part`;
  }

  async isComplete(path: string): Promise<boolean> {
    const { files } = this.#io;
    const infos = await files.list(dirname(path));
    return infos.some(({ name }) => name === basename(path));
  }
}

async function printPart(part: PagedQuery, { client, printer }: ParallelTools): Promise<void> {
  for await (const page of queryPages(client, part)) {
    if (page.kind === "samples") await printer.printSamples(page.result);
    else await printer.print(page.entries);
    await printer.about(page.about);
  }
}

/** The file has its final name only when everything is in it. */
async function downloadPart(
  part: PagedQuery,
  tools: ParallelTools & { readonly files: PartFiles; readonly options: ParallelOptions },
): Promise<void> {
  const { client, printer, io, files, options } = tools;
  const path = files.pathOf(part);
  if (options.overwriteCompletedParts !== true && (await files.isComplete(path))) {
    await printer.note(`${path} is complete already`);
    return;
  }
  const unfinished = `${path}.tmp`;
  await io.files.remove(unfinished);
  {
    await using file = await io.files.open(unfinished, { create: true, exclusive: true });
    let offset = 0;
    for await (const page of queryPages(client, part)) {
      const text =
        page.kind === "samples" ? `${JSON.stringify(page.result)}\n` : printer.textOf(page.entries);
      const bytes = Buffer.from(text);
      await file.write([bytes], offset);
      offset += bytes.length;
      await printer.about(page.about);
    }
  }
  await io.files.rename(unfinished, path);
}

async function mergeParts(
  parts: readonly PagedQuery[],
  { files, keep, io }: { files: PartFiles; keep: boolean; io: CliIo },
): Promise<void> {
  for (const part of parts) {
    const path = files.pathOf(part);
    await io.stdout.write((await io.files.read(path)).toString("utf8"));
    if (!keep) await io.files.remove(path);
  }
}
