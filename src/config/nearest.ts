/** For "did you mean": the candidate that takes the fewest typing mistakes to become `name`. */

/** More than a third of the letters wrong is another word, not a slip. */
const mistakeShareMax = 1 / 3;

/** Longer than any key there is: no slip of a name, and each candidate costs its length times this. */
const nameLengthMax = 200;

export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > nameLengthMax) return undefined;
  const all = [...candidates];
  return fewestMistakes(name, all) ?? withAllWords(name, all);
}

/** The shortest candidate that has the words of `name` in their order, and more. */
function withAllWords(name: string, candidates: readonly string[]): string | undefined {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  // One short word occurs in too many names to mean one of them.
  if (words.length < 2) return undefined;
  const pattern = new RegExp(words.join(".*"), "i");
  const found = candidates.filter((candidate) => pattern.test(candidate));
  return found.toSorted((left, right) => left.length - right.length)[0];
}

function fewestMistakes(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length * mistakeShareMax)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(name, candidate);
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const swap = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
