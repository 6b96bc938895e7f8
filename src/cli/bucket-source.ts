/** Which bucket, and which part of it: flags that all commands of `skald bucket` have. */
import { type Command, InvalidArgumentError } from "commander";
import type { Bucket, BucketScope } from "#bucket";
import { dayOfNs } from "#model";
import type { ObjectStore } from "#objectstore";
import { collect, oneOf, parseMoment } from "./arguments.ts";
import { CliError, usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { CommandContext } from "./command-context.ts";

export interface BucketWhere {
  /** Flags of the server: `-config.file=…` and any setting. */
  readonly serverFlags: readonly string[];
  /** A folder or URL instead of a configuration. */
  readonly store: string | undefined;
  /** How Loki's data lies there; only with `store`. */
  readonly schema: string;
  readonly indexPrefix: string;
  readonly pathPrefix: string;
}

export interface OpenedBucket {
  readonly bucket: Bucket;
  /** From a configuration, not from a URL. */
  readonly isConfigured: boolean;
  readonly journalFolder: string | undefined;
  readonly cacheFolders: readonly string[];
  /** An object store of the configuration by its name. */
  namedStore(name: string): Promise<ObjectStore>;
  /** What the configuration calls a place. */
  storeOfPlace(place: string): string;
}

export type OpenBucket = (where: BucketWhere, io: CliIo) => Promise<OpenedBucket>;

export interface SourceFlags {
  readonly store?: string;
  readonly schema: string;
  readonly indexPrefix: string;
  readonly pathPrefix: string;
  readonly tenant?: readonly string[];
  readonly from?: number;
  readonly to?: number;
}

export function addSource(command: Command, context: CommandContext): Command {
  const dayOf = (text: string): number => {
    const ns = parseMoment(text, context.io.clock.nowNs());
    if (ns === undefined) throw new InvalidArgumentError("It is a day such as 2026-01-31.");
    return dayOfNs(ns);
  };
  return command
    .option("--store <where>", "a folder, s3://…, gs://bucket or azure://account/container")
    .option("--schema <v>", "of Loki's data, with --store", oneOf("v12", "v13", "v14"), "v13")
    .option("--index-prefix <text>", "index.prefix, with --store", "index_")
    .option("--path-prefix <text>", "index.path_prefix, with --store", "index/")
    .option("--tenant <id>", "only this tenant; may be repeated", collect)
    .option("--from <day>", "first UTC day: 2026-01-31, 30d (ago)", dayOf)
    .option("--to <day>", "first UTC day that is not meant", dayOf)
    .addHelpText(
      "after",
      "\nThe bucket: -config.file=skald.yaml (and flags of the server), or --store.",
    );
}

export async function openSource(
  flags: SourceFlags,
  context: CommandContext,
): Promise<OpenedBucket> {
  const { openBucket, serverFlags, io } = context;
  if (openBucket === undefined) throw new CliError("this program cannot open buckets");
  const { store, schema, indexPrefix, pathPrefix } = flags;
  if (store !== undefined && serverFlags.length > 0) {
    throw usageError("--store and flags of the server: one of them");
  }
  return openBucket({ serverFlags, store, schema, indexPrefix, pathPrefix }, io);
}

export function scopeOf({ tenant, from, to }: SourceFlags): BucketScope {
  return {
    tenants: tenant === undefined ? undefined : new Set(tenant),
    fromDay: from ?? Number.NEGATIVE_INFINITY,
    toDay: to ?? Number.POSITIVE_INFINITY,
  };
}

/**
 * `-config.file=skald.yaml` and other flags of the server, taken out of a command line: they have a
 * dot and, unlike those of commands, may begin with one dash.
 */
export function splitServerFlags(argv: readonly string[]): {
  own: string[];
  serverFlags: string[];
} {
  const own: string[] = [];
  const serverFlags: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    if (!/^--?[a-z][a-z0-9_-]*\.[a-z]/.test(argument)) {
      own.push(argument);
      continue;
    }
    serverFlags.push(argument);
    const next = argv[at + 1];
    const takesNext = !argument.includes("=") && next !== undefined && !next.startsWith("-");
    if (takesNext) serverFlags.push(argv[++at]!);
  }
  return { own, serverFlags };
}
