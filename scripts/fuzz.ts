// `npm run fuzz -- --minutes 5 [--only logql] [--keep]`: all decoders in turn, guided by coverage. With
// `--keep` inputs that reach new code go into test/fuzz/corpus.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fuzz } from "../test/fuzz/fuzzer.ts";
import { targets } from "../test/fuzz/targets.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    keep: { type: "boolean", default: false },
  },
});
const inputs = 3_000;
const endMs = performance.now() + Number(values.minutes) * 60_000;
const failed = new Set<string>();
const chosen = targets.filter(({ name }) => name.includes(values.only));
do {
  for (const target of chosen) {
    if (failed.has(target.name)) continue;
    const seed = randomInt(2 ** 31);
    try {
      const summary = await fuzz(target, { seed, inputs, keep: values.keep });
      console.log(`${target.name}: ${JSON.stringify({ seed, ...summary })}`);
    } catch (error) {
      failed.add(target.name);
      console.log(`FAILED: ${String(error).slice(0, 4_000)}`);
      console.log(error instanceof Error ? (error.cause as Error | undefined)?.stack : "");
    }
  }
} while (performance.now() < endMs);
process.exit(failed.size === 0 ? 0 : 1);
