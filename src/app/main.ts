import { type CliPorts, isCliCommand, runCli, systemIo } from "#cli";

const argv = process.argv.slice(2);
const io = systemIo();

const ports: CliPorts = {
  openBucket: async (where, from) => {
    const { openBucketSource } = await import("./bucket-source.ts");
    return openBucketSource(where, from);
  },
};

async function main(): Promise<number> {
  if (argv[0] === "doctor") {
    const { doctor } = await import("./doctor.ts");
    return doctor(argv.slice(1), io);
  }
  if (isCliCommand(argv)) return runCli(argv, io, ports);
  // Loaded only when asked for: commands of the client start faster without the server.
  const { serve } = await import("./serve.ts");
  return serve(argv, io);
}

// Output that was written is flushed by exit, since TextSink awaits it.
process.exit(await main());
