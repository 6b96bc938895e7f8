import { Command } from "commander";
import { bucketLsCommand } from "./bucket-ls-command.ts";
import { bucketMigrateCommand } from "./bucket-migrate-command.ts";
import { bucketRebuildCommand } from "./bucket-rebuild-command.ts";
import { bucketStatsCommand } from "./bucket-stats-command.ts";
import { bucketVerifyCommand } from "./bucket-verify-command.ts";
import { addExamples, type CommandContext } from "./command-context.ts";

/** Tools for object stores, with the process running or not. */
export function bucketCommand(context: CommandContext): Command {
  const command = new Command("bucket").description(
    "Look into a bucket, verify it, migrate it to Skald's own store, rebuild its index.",
  );
  command.addCommand(bucketLsCommand(context));
  command.addCommand(bucketStatsCommand(context));
  command.addCommand(bucketVerifyCommand(context));
  command.addCommand(bucketMigrateCommand(context));
  command.addCommand(bucketRebuildCommand(context));
  return addExamples(
    command,
    "skald bucket ls -config.file=skald.yaml",
    "skald bucket verify --store=s3://logs",
    "skald bucket migrate -config.file=loki.yaml --dry-run",
  );
}
