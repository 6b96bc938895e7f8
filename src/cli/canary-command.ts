import { Command } from "commander";
import { Canary } from "./canary.ts";
import { addCanaryFlags, type CanaryFlags, connectionFlagsOf } from "./canary-flags.ts";
import { CanaryMetrics } from "./canary-metrics.ts";
import { startCanaryServer } from "./canary-server.ts";
import { exitFailed } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, type CommandContext, connectionHelp } from "./command-context.ts";
import { connectionOf } from "./connection.ts";

/** Audits a running server from outside, as loki-canary does; docs/operating/canary.md. */
export function canaryCommand(context: CommandContext): Command {
  const command = new Command("canary").description(
    "Write entries, read them back by tail and queries, and count what is missing or wrong.",
  );
  addCanaryFlags(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    "skald canary -addr=localhost:3100",
    "skald canary -addr=logs.example.org -tls -tenant-id=team-a -interval=100ms",
    "skald canary -addr=localhost:3100 -for=20s -interval=10ms -wait=5s",
  );
  return command.action(async (options: CanaryFlags) => {
    const { io } = context;
    const given = connectionFlagsOf({ ...options }, io.env);
    const connection = await connectionOf(given, io);
    const metrics = new CanaryMetrics(options.buckets);
    const canary = new Canary({ connection, io, flags: options, metrics });
    await using server = await startCanaryServer({ port: options.port, canary, metrics });
    await io.stderr.line(
      `canary: metrics on port ${server.port}, watching ${connection.base.href}`,
    );
    await canary.run();
    await summarize(metrics, io);
    if (canary.faultCount > 0) context.exitCode = exitFailed;
  });
}

async function summarize(metrics: CanaryMetrics, io: CliIo): Promise<void> {
  const { totals } = metrics;
  const counted = Object.entries(totals).filter(([, count]) => count > 0);
  const texts = counted.map(([name, count]) => `${count} ${nameOf(name)}`);
  await io.stderr.line(`canary: ${texts.join(", ") || "nothing was written"}`);
  const [half, most, worst] = [0.5, 0.99, 1].map((at) => metrics.latencyMs(at)?.toFixed(1));
  if (half === undefined) return;
  await io.stderr.line(
    `canary: heard after ${half} ms (half), ${most} ms (99 %), ${worst} ms (all)`,
  );
}

/** `queryLate` → `query late`. */
function nameOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
