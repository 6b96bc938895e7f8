import { compareText } from "#model";

/** As many are sorted or merged at once; a few milliseconds. */
const turnTexts = 16_384;

/** Order of UTF-16 units is order of bytes only as long as no character lies above U+FFFF. */
const surrogate = /[\ud800-\udfff]/;

/** Sorts by UTF-8 bytes, pausing now and then. The array is changed; the result may be another. */
export async function sortTexts(
  texts: string[],
  nextTurn: () => Promise<void>,
): Promise<readonly string[]> {
  const isPlain = !texts.some((text) => surrogate.test(text));
  const compare = isPlain ? (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0) : compareText;
  let runs: string[][] = [];
  for (let at = 0; at < texts.length; at += turnTexts) {
    runs.push(texts.slice(at, at + turnTexts).sort(compare));
    if (texts.length > turnTexts) await nextTurn();
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const [a, b] = [runs[i]!, runs[i + 1]];
      merged.push(b === undefined ? a : await mergeRuns({ a, b, compare }, nextTurn));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergeRuns(
  runs: { a: readonly string[]; b: readonly string[]; compare: (a: string, b: string) => number },
  nextTurn: () => Promise<void>,
): Promise<string[]> {
  const { a, b, compare } = runs;
  const out: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const takesA = j >= b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0);
    out.push(takesA ? a[i++]! : b[j++]!);
    if (out.length % (turnTexts * 4) === 0) await nextTurn();
  }
  return out;
}
