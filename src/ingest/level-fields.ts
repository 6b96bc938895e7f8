import { hashBytes, sameBytes } from "#columns";
import type { LabelPair } from "#model";
import { levelNames, levelOfText } from "./level-names.ts";
import { behindVarint, varintAt } from "./push-packed.ts";

/** The structured metadata an entry's level is kept in. */
export const detectedLevelName = "detected_level";

/** Names of fields that hold a level, to be found in bytes without making strings. */
export class LevelFields {
  readonly names: readonly string[];
  /** Of values of these fields, and of severity numbers. */
  readonly spellings: LevelMemo = new LevelMemo(spelled);
  readonly severities: LevelMemo = new LevelMemo(levelOfSeverity);
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

/** Of the packed set bytes[from, to): the field that stands first in `fields`, else the severity. */
export function levelOfSet(bytes: Buffer, from: number, to: number, fields: LevelFields): SetLevel {
  let at = from;
  let best = fields.names.length;
  let bestAt = -1;
  let severityAt = -1;
  while (at < to) {
    const nameFrom = behindVarint(bytes, at);
    const nameTo = nameFrom + varintAt(bytes, at);
    if (isEqual(bytes, nameFrom, nameTo, presetName)) return preset;
    const index = fields.indexOf(bytes, nameFrom, nameTo);
    if (index >= 0 && index < best) {
      best = index;
      bestAt = nameTo;
    }
    if (isEqual(bytes, nameFrom, nameTo, severityNumber)) severityAt = nameTo;
    at = behindVarint(bytes, nameTo) + varintAt(bytes, nameTo);
  }
  if (bestAt >= 0) return fields.spellings.of(bytes, bestAt);
  return severityAt < 0 ? undefined : fields.severities.of(bytes, severityAt);
}

/** A table of this many values; a power of two. Those of a hostile client only push each other out. */
const placesCount = 64;
/** Longer values name no level, and are not worth remembering. */
const valueBytesMax = 32;

/** The levels that values in packed sets name, remembered by their bytes. */
class LevelMemo {
  readonly #places: ({ readonly bytes: Buffer; readonly level: SetLevel } | undefined)[] =
    Array.from({ length: placesCount });
  readonly #levelOf: (value: string) => string;

  constructor(levelOf: (value: string) => string) {
    this.#levelOf = levelOf;
  }

  /** Of the value whose length stands at `at`. */
  of(bytes: Buffer, at: number): SetLevel {
    const from = behindVarint(bytes, at);
    const length = varintAt(bytes, at);
    const place = hashBytes(bytes, from, from + length, 0) & (placesCount - 1);
    const known = this.#places[place];
    if (known?.bytes.length === length && sameBytes(known.bytes, 0, bytes, from, length)) {
      return known.level;
    }
    const value = Buffer.from(bytes.subarray(from, from + length));
    const level = { level: this.#levelOf(value.toString("utf8")) };
    if (length <= valueBytesMax) this.#places[place] = { bytes: value, level };
    return level;
  }
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
