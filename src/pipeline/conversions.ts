import { parseGoDuration, parseGoDurationSeconds, parseGoFloat, parseHumanBytes } from "#gofmt";
import { plainDurationNs, plainNumber, secondsOfNs } from "./plain-number.ts";
import type { RowState } from "./row-state.ts";

/** From a value to a number. */
export interface Conversion {
  /** Throws GoParseError. */
  ofText(text: string): number;
  /** The same for the everyday spelling, NaN for any other. */
  ofBytes(buffer: Buffer, from: number, to: number): number;
}

export const toFloat: Conversion = { ofText: parseGoFloat, ofBytes: plainNumber };

export const toBytes: Conversion = {
  ofText: parseHumanBytes,
  ofBytes: () => Number.NaN,
};

export const toDurationNs: Conversion = {
  ofText: (text) => Number(parseGoDuration(text)),
  ofBytes: plainDurationNs,
};

export const toSeconds: Conversion = {
  ofText: parseGoDurationSeconds,
  ofBytes: (buffer, from, to) => secondsOfNs(plainDurationNs(buffer, from, to)),
};

/** The value of a label as a number; undefined when there is no such label. Throws GoParseError. */
export function convertLabel(
  row: RowState,
  name: string,
  conversion: Conversion,
): number | undefined {
  if (row.count > 0) {
    const at = row.find(name);
    if (at >= 0) {
      const quick = row.convertAt(at, conversion);
      return Number.isNaN(quick) ? conversion.ofText(row.valueAt(at)) : quick;
    }
  }
  const text = row.plainLabel(name);
  return text === undefined ? undefined : conversion.ofText(text);
}
