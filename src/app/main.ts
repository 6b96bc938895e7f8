import { isCliCommand, runCli, systemIo, topLevelHelp } from "#cli";
import { serve } from "./serve.ts";

const argv = process.argv.slice(2);
const io = systemIo();
const wantsHelp = argv.length > 0 && /^(--help|-h|help)$/.test(argv[0]!);

async function main(): Promise<number> {
  if (wantsHelp && argv.length === 1) {
    await io.stdout.write(topLevelHelp());
    return 0;
  }
  return isCliCommand(argv) ? runCli(argv, io) : serve(argv, io);
}

// Output that was written is flushed by exit, since TextSink awaits it.
process.exit(await main());
