// `npm run fuzz -- --minutes 5 [--only logql] [--keep] [--seed N]`: decoders in turn, guided by coverage.
// With `--keep` the inputs that reach new code go into test/fuzz/corpus, which is minimised after each
// turn, to `--kib N` for each target at most. `--inputs N` are tried a turn. `--minimise` only
// minimises; `--input FILE --only NAME` runs one input.
import "../test/fuzz/coverage.ts";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { KiB } from "#base";
import { attempt, FuzzFailure, type FuzzTarget } from "../test/fuzz/fuzzer.ts";
import { keepFault } from "../test/fuzz/corpus.ts";
import { minimise } from "../test/fuzz/minimise.ts";
import { search } from "../test/fuzz/search.ts";
import { targets } from "../test/fuzz/targets.ts";
import { watchInputs } from "../test/fuzz/watch-inputs.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    keep: { type: "boolean", default: false },
    minimise: { type: "boolean", default: false },
    seed: { type: "string" },
    input: { type: "string" },
    kib: { type: "string", default: "24" },
    inputs: { type: "string", default: "3000" },
  },
});
const inputsPerTurn = Number(values.inputs);
const bytesMax = Number(values.kib) * KiB;
const startedMs = performance.now();
const endMs = startedMs + Number(values.minutes) * 60_000;
const exact = targets.filter(({ name }) => name === values.only);
const chosen = exact.length > 0 ? exact : targets.filter(({ name }) => name.includes(values.only));
const failed = new Set<string>();
await using watch = watchInputs();

async function turn(target: FuzzTarget, seed: number): Promise<void> {
  const { onInput } = watch;
  const found: Buffer[] = [];
  if (!values.minimise) {
    const { kept, inputs, worstMs } = await search(target, {
      seed,
      inputs: inputsPerTurn,
      onInput,
    });
    const counts = { seed, inputs, kept: kept.length, worstMs: Math.round(worstMs) };
    console.log(`${target.name}: ${JSON.stringify(counts)}`);
    found.push(...kept);
  }
  if (values.keep || values.minimise) {
    console.log(
      `${target.name}: ${JSON.stringify(await minimise(target, { found, bytesMax, onInput }))}`,
    );
  }
}

async function runInput(path: string): Promise<void> {
  for (const target of chosen) {
    const cpuMs = await attempt(target, readFileSync(path));
    console.log(`${target.name}: ${Math.round(cpuMs)} ms`);
  }
}

async function runTurns(): Promise<void> {
  do {
    for (const target of chosen) {
      if (failed.has(target.name)) continue;
      const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
      try {
        await turn(target, seed);
      } catch (error) {
        failed.add(target.name);
        console.log(`FAILED, seed ${seed}: ${String(error).slice(0, 12_000)}`);
        if (values.keep && error instanceof FuzzFailure) keepFault(target.name, error.input);
        console.log(error instanceof Error ? (error.cause as Error | undefined)?.stack : "");
      }
    }
  } while (performance.now() < endMs && !values.minimise && failed.size < chosen.length);
}

await (values.input === undefined ? runTurns() : runInput(values.input));
for (const { close } of targets) await close?.();
process.exit(failed.size === 0 ? 0 : 1);
