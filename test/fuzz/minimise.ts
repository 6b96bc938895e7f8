/**
 * The least that reaches all that a corpus reaches: inputs are taken in order of what they add for
 * their bytes, and pieces that add nothing are cut out of them.
 */
import {
  corpusBytesMax,
  corpusInputsMax,
  corpusOf,
  dropInput,
  keepInput,
  type KeptInput,
} from "./corpus.ts";
import { addAll, newIn, takeFeatures } from "./coverage.ts";
import { attempt, type FuzzTarget } from "./fuzzer.ts";

/** One input's cost beside its bytes: a file, a run. */
const inputCostBytes = 128;
/** Attempts to cut pieces out of one input: each costs a look at the coverage. */
const cutsMax = 48;
const shrunkFromBytes = 64;

export interface MinimiseOptions {
  /** Found by a search, not yet on disk. */
  readonly found?: readonly Buffer[];
  /** At most `corpusBytesMax`. */
  readonly bytesMax?: number;
  readonly onInput?: (target: FuzzTarget, input: Buffer) => void;
}

export interface MinimiseSummary {
  readonly before: number;
  readonly inputs: number;
  readonly bytes: number;
  readonly features: number;
  /** Reached by inputs for which there was no room. */
  readonly featuresLeftOut: number;
}

export async function minimise(
  target: FuzzTarget,
  options: MinimiseOptions = {},
): Promise<MinimiseSummary> {
  takeFeatures();
  const featuresOf = async (input: Buffer): Promise<Set<string>> => {
    options.onInput?.(target, input);
    await attempt(target, input);
    return takeFeatures();
  };
  // What is remembered from one input to the next would count for the first alone.
  for (const seed of target.seeds) await featuresOf(seed);
  const known = corpusOf(target.name);
  const named = known.filter(({ isNamed }) => isNamed);
  const old = known.filter(({ isNamed }) => !isNamed);
  const reached = new Set<string>();
  for (const input of [...target.seeds, ...named.map(({ bytes }) => bytes)]) {
    addAll(reached, await featuresOf(input));
  }
  const candidates = [...old.map(({ bytes }) => bytes), ...(options.found ?? [])];
  let left: Candidate[] = [];
  for (const input of candidates) left.push({ input, features: await featuresOf(input) });
  let bytes = named.reduce((sum, one) => sum + one.bytes.length, 0);
  const bytesMax = Math.min(options.bytesMax ?? corpusBytesMax, corpusBytesMax);
  const chosen: Buffer[] = [];
  while (chosen.length + named.length < corpusInputsMax) {
    left = left.filter(({ features }) => newIn(features, reached).length > 0);
    const best = bestOf(left, reached);
    if (best === undefined) break;
    left = left.filter((one) => one !== best);
    const input = await shrink(best, { target, reached, featuresOf });
    if (bytes + input.length > bytesMax) continue;
    chosen.push(input);
    bytes += input.length;
    addAll(reached, best.features);
  }
  // Seeds that reach everything leave nothing to keep; the smallest one stands for them.
  const [smallest] = [...target.seeds].sort((a, b) => a.length - b.length);
  if (chosen.length + named.length === 0 && smallest !== undefined) chosen.push(smallest);
  write(target.name, old, chosen);
  const missed = new Set(left.flatMap(({ features }) => newIn(features, reached)));
  return {
    before: known.length,
    inputs: chosen.length + named.length,
    bytes,
    features: reached.size,
    featuresLeftOut: missed.size,
  };
}

interface Candidate {
  readonly input: Buffer;
  readonly features: ReadonlySet<string>;
}

/** The one that adds most for its bytes. */
function bestOf(
  candidates: readonly Candidate[],
  reached: ReadonlySet<string>,
): Candidate | undefined {
  let [best, bestWorth] = [undefined as Candidate | undefined, 0];
  for (const one of candidates) {
    const worth = newIn(one.features, reached).length / (one.input.length + inputCostBytes);
    if (worth > bestWorth) [best, bestWorth] = [one, worth];
  }
  return best;
}

interface Shrinking {
  readonly target: FuzzTarget;
  readonly reached: ReadonlySet<string>;
  readonly featuresOf: (input: Buffer) => Promise<Set<string>>;
}

/** Cuts halves, quarters and so on out of it, as long as what it adds stays. */
async function shrink(
  { input, features }: Candidate,
  { target, reached, featuresOf }: Shrinking,
): Promise<Buffer> {
  const added = newIn(features, reached);
  let small = input;
  let cuts = input.length < shrunkFromBytes ? cutsMax : 0;
  for (let size = small.length >> 1; size >= 1 && cuts < cutsMax; size >>= 1) {
    for (let at = 0; at < small.length && cuts < cutsMax; cuts++) {
      const cut = Buffer.concat([small.subarray(0, at), small.subarray(at + size)]);
      const tried = target.sealed?.(cut) ?? cut;
      // A cut input may be refused in a way that the whole one was not.
      const isSame =
        tried.length < small.length && newIn(added, await featuresOf(tried)).length === 0;
      if (isSame) small = tried;
      else at += size;
    }
  }
  return small;
}

function write(name: string, old: readonly KeptInput[], chosen: readonly Buffer[]): void {
  for (const input of old) dropInput(name, input);
  for (const input of chosen) keepInput(name, input);
}
