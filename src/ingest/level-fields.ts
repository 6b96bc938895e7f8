import { type LabelPair, unpackSet } from "#model";
import { levelNames, levelOfText } from "./level-names.ts";
import { behindVarint, varintAt } from "./push-packed.ts";

/** The structured metadata an entry's level is kept in. */
export const detectedLevelName = "detected_level";

/** Names of fields that hold a level, to be found in bytes without making strings. */
export class LevelFields {
  readonly names: readonly string[];
  readonly #byLength: { readonly bytes: Buffer; readonly index: number }[][] = [];

  constructor(names: readonly string[]) {
    this.names = names;
    names.forEach((name, index) => {
      const bytes = Buffer.from(name);
      const list = (this.#byLength[bytes.length] ??= []);
      list.push({ bytes, index });
    });
  }

  /** Which of the names bytes[from, to) is, or -1. */
  indexOf(bytes: Buffer, from: number, to: number): number {
    const candidates = this.#byLength[to - from];
    if (candidates === undefined) return -1;
    for (let c = 0; c < candidates.length; c++) {
      const candidate = candidates[c]!;
      const name = candidate.bytes;
      let i = 0;
      while (i < name.length && bytes[from + i] === name[i]) i++;
      if (i === name.length) return candidate.index;
    }
    return -1;
  }
}

/**
 * The level a set of labels or metadata names: the value of the field that stands first in
 * `fields`, in Loki's spelling when it is a known level, else as it is.
 */
export function levelOfPairs(
  pairs: readonly LabelPair[],
  fields: readonly string[],
): string | undefined {
  for (const field of fields) {
    const found = pairs.find(([name]) => name === field);
    if (found !== undefined) return spelled(found[1]);
  }
  return undefined;
}

function spelled(value: string): string {
  const level = levelOfText(value);
  return level === undefined ? value : levelNames[level]!;
}

/**
 * What a metadata set says of the level: it already has a detected_level, it names a level, or
 * nothing.
 */
export type SetLevel = { readonly preset: true } | { readonly level: string } | undefined;

const severityNumber = Buffer.from("severity_number");
const presetName = Buffer.from(detectedLevelName);
const preset: SetLevel = { preset: true };

/** Of the packed set bytes[from, to). Only sets that name a level make strings. */
export function levelOfSet(bytes: Buffer, from: number, to: number, fields: LevelFields): SetLevel {
  let at = from;
  let relevant = false;
  while (at < to) {
    const nameFrom = behindVarint(bytes, at);
    const nameTo = nameFrom + varintAt(bytes, at);
    if (isEqual(bytes, nameFrom, nameTo, presetName)) return preset;
    relevant ||=
      fields.indexOf(bytes, nameFrom, nameTo) >= 0 ||
      isEqual(bytes, nameFrom, nameTo, severityNumber);
    at = behindVarint(bytes, nameTo) + varintAt(bytes, nameTo);
  }
  if (!relevant) return undefined;
  const pairs = unpackSet(bytes, from, to);
  const level = levelOfPairs(pairs, fields.names);
  if (level !== undefined) return { level };
  const number = pairs.find(([name]) => name === "severity_number")?.[1];
  return number === undefined ? undefined : { level: levelOfSeverity(number) };
}

/**
 * OpenTelemetry's severity numbers: four to a level, 1 to 24. Text that is no number is `info`, as
 * in Loki.
 */
function levelOfSeverity(text: string): string {
  if (!/^[+-]?\d+$/.test(text)) return "info";
  const number = Number(text);
  const names = ["trace", "debug", "info", "warn", "error", "fatal"];
  return (number >= 1 && names[Math.ceil(number / 4) - 1]) || "unknown";
}

function isEqual(bytes: Buffer, from: number, to: number, name: Buffer): boolean {
  if (to - from !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name[i]) return false;
  return true;
}
