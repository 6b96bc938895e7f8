import { type LevelTables, PushKernel } from "#kernels";
import { LevelFields } from "./level-fields.ts";
import { levelSpellings } from "./level-names.ts";

/**
 * detected_level from the line, as Loki finds it: a JSON object or logfmt line by its level fields,
 * anything else by the first word that names a level. Works on bytes, allocates nothing per line,
 * and stops as soon as it knows.
 */

export const unknownLevel = 0;
const absent = -1;

/** What the level of a line depends on besides its bytes. */
export interface LevelSettings {
  /** log_level_fields: names of fields that hold a level. */
  readonly fields: readonly string[];
  /** log_level_from_json_max_depth; 0 means any depth. */
  readonly jsonDepthMax: number;
}

/** Spellings by first letter (lower case), longest first, as bytes without that letter. */
const byLetter: readonly (readonly { readonly rest: Buffer; readonly level: number }[])[] =
  Array.from({ length: 256 }, (_, letter) =>
    levelSpellings
      .filter(([spelling]) => spelling.charCodeAt(0) === (letter | 0x20))
      .sort((a, b) => b[0].length - a[0].length)
      .map(([spelling, level]) => ({ rest: Buffer.from(spelling.slice(1)), level })),
  );

const delimiter = 1;
/** 1: ends a word. */
const kinds = new Uint8Array(256);
for (let i = 0; i <= 0x20; i++) kinds[i] = delimiter;
for (const char of "\"'[](){}=:,;|") kinds[char.charCodeAt(0)] = delimiter;

/** 1: the name of a level may begin with these two bytes. */
const beginnings = new Uint8Array(65536);
for (const [spelling] of levelSpellings) {
  for (const first of [spelling[0]!, spelling[0]!.toUpperCase()]) {
    for (const second of [spelling[1]!, spelling[1]!.toUpperCase()]) {
      beginnings[(first.charCodeAt(0) << 8) | second.charCodeAt(0)] = 1;
    }
  }
}

export class LevelDetector {
  readonly settings: LevelSettings;
  readonly fields: LevelFields;
  /**
   * Where the next `=` lies, so that lines without one are not parsed as logfmt; valid for one
   * buffer.
   */
  #equalsAt = -1;
  #equalsFrom = 0;
  #buffer: Buffer | undefined;
  readonly #kernel: PushKernel = PushKernel.shared;
  readonly #tables: LevelTables;

  constructor(settings: LevelSettings) {
    this.settings = settings;
    this.fields = new LevelFields(settings.fields);
    this.#tables = { ...settings, spellings: levelSpellings };
  }

  /** Whether `detectInKernel` may be called for lines of the content, until the next push is read. */
  beginKernel(content: number | undefined): boolean {
    if (content === undefined || !this.#kernel.isLoaded(content)) return false;
    return this.#kernel.beginLevels(this.#tables);
  }

  /** As `detect`, of the content the kernel has loaded. */
  detectInKernel(from: number, to: number): number {
    return this.#kernel.detect(from, to);
  }

  /** Level of the line bytes[from, to). */
  detect(bytes: Buffer, from: number, to: number): number {
    if (from === to) return unknownLevel;
    if (bytes[from] === 0x7b && bytes[to - 1] === 0x7d) {
      const level = levelInJson(bytes, from, to, this.fields, this.settings.jsonDepthMax);
      if (level !== absent) return level;
    } else if (this.#hasEquals(bytes, from, to)) {
      const level = levelInLogfmt(bytes, from, to, this.fields);
      if (level !== absent) return level;
    }
    return levelInWords(bytes, from, to);
  }

  #hasEquals(bytes: Buffer, from: number, to: number): boolean {
    if (bytes !== this.#buffer || from < this.#equalsFrom) {
      this.#buffer = bytes;
      this.#equalsAt = -1;
    }
    if (this.#equalsAt < from) {
      const found = bytes.indexOf(0x3d, from);
      this.#equalsAt = found < 0 ? bytes.length : found;
      this.#equalsFrom = from;
    }
    return this.#equalsAt < to;
  }

  /** Forgets the buffer seen last. */
  release(): void {
    this.#buffer = undefined;
  }
}

/**
 * The first word that is the name of a level, upper and lower case alike. The hottest loop of the
 * write path: lines without a level are read to their end.
 */
function levelInWords(bytes: Buffer, from: number, to: number): number {
  let at = from;
  for (;;) {
    while (at < to && kinds[bytes[at]!] === delimiter) at++;
    if (at + 2 >= to) return unknownLevel;
    if (beginnings[(bytes[at]! << 8) | bytes[at + 1]!] === 1) {
      const level = wordAt(bytes, at, to);
      if (level !== unknownLevel) return level;
    }
    at++;
    while (at < to && kinds[bytes[at]!] !== delimiter) at++;
  }
}

/** The level whose name is the whole word that begins at `at`. */
function wordAt(bytes: Buffer, at: number, to: number): number {
  const candidates = byLetter[bytes[at]!]!;
  for (let c = 0; c < candidates.length; c++) {
    const { rest, level } = candidates[c]!;
    const end = at + 1 + rest.length;
    if (end > to) continue;
    if (end < to && kinds[bytes[end]!] !== delimiter) continue;
    let i = 0;
    while (i < rest.length && (bytes[at + 1 + i]! | 0x20) === rest[i]!) i++;
    if (i === rest.length) return level;
  }
  return unknownLevel;
}

/** A value that names no level is `unknown`: the field was there. */
function levelOfValue(bytes: Buffer, from: number, to: number): number {
  if (from >= to) return unknownLevel;
  const candidates = byLetter[bytes[from]!]!;
  for (let c = 0; c < candidates.length; c++) {
    const { rest, level } = candidates[c]!;
    if (to - from !== rest.length + 1) continue;
    let i = 0;
    while (i < rest.length && (bytes[from + 1 + i]! | 0x20) === rest[i]!) i++;
    if (i === rest.length) return level;
  }
  return unknownLevel;
}

/**
 * The first level field with a value, in order of the line. Strict as logfmt readers are: a stray
 * quote or `=` ends it, and what was not found until then is absent.
 */
function levelInLogfmt(bytes: Buffer, from: number, to: number, fields: LevelFields): number {
  let at = from;
  for (;;) {
    while (at < to && bytes[at]! <= 0x20) at++;
    if (at >= to) return absent;
    const keyFrom = at;
    while (at < to && bytes[at]! > 0x20 && bytes[at] !== 0x3d && bytes[at] !== 0x22) at++;
    if (at < to && bytes[at] === 0x22) return absent;
    if (at >= to || bytes[at] !== 0x3d) continue;
    if (at === keyFrom) return absent;
    const keyTo = at++;
    let valueFrom = at;
    let valueTo = at;
    if (at < to && bytes[at] === 0x22) {
      valueFrom = ++at;
      while (at < to && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1;
      if (at >= to) return absent;
      valueTo = at++;
    } else {
      while (at < to && bytes[at]! > 0x20) {
        if (bytes[at] === 0x3d || bytes[at] === 0x22) return absent;
        at++;
      }
      valueTo = at;
    }
    if (fields.indexOf(bytes, keyFrom, keyTo) >= 0) return levelOfValue(bytes, valueFrom, valueTo);
  }
}

/**
 * The first level field that is a string, in order of the line, objects within objects down to
 * `depthMax` (the outermost is 1); lists are passed over.
 */
function levelInJson(
  bytes: Buffer,
  from: number,
  to: number,
  fields: LevelFields,
  depthMax: number,
): number {
  let at = from + 1;
  let depth = 1;
  while (at < to) {
    const byte = bytes[at]!;
    if (byte === 0x7d) {
      if (--depth === 0) return absent;
      at++;
      continue;
    }
    if (byte !== 0x22) {
      if (byte > 0x20 && byte !== 0x2c) return absent;
      at++;
      continue;
    }
    const keyFrom = at + 1;
    const keyTo = stringEnd(bytes, keyFrom, to);
    at = keyTo + 1;
    while (at < to && (bytes[at]! <= 0x20 || bytes[at] === 0x3a)) at++;
    if (at >= to) return absent;
    const first = bytes[at]!;
    if (first === 0x22) {
      const valueTo = stringEnd(bytes, at + 1, to);
      if (valueTo >= to) return absent;
      if (fields.indexOf(bytes, keyFrom, keyTo) >= 0) return levelOfValue(bytes, at + 1, valueTo);
      at = valueTo + 1;
    } else if (first === 0x7b && (depthMax <= 0 || depth < depthMax)) {
      depth++;
      at++;
    } else if (first === 0x7b || first === 0x5b) {
      at = nestedEnd(bytes, at, to);
    } else {
      while (at < to && bytes[at] !== 0x2c && bytes[at] !== 0x7d) at++;
    }
  }
  return absent;
}

/** Index of the quote that ends a string, or `to`. */
function stringEnd(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const byte = bytes[at]!;
    if (byte === 0x22) return at;
    at += byte === 0x5c ? 2 : 1;
  }
  return to;
}

/** Index behind the object or list that begins at `from`. */
function nestedEnd(bytes: Buffer, from: number, to: number): number {
  let depth = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte === 0x22) at = stringEnd(bytes, at + 1, to);
    else if (byte === 0x7b || byte === 0x5b) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at + 1;
  }
  return to;
}
