import { GoParseError } from "#gofmt";
import type { Unwrap } from "#logql";
import { type Conversion, convertLabel, toBytes, toFloat, toSeconds } from "./conversions.ts";
import { compileLabelFilter } from "./label-filter.ts";
import type { RowStage } from "./row-state.ts";

const sampleError = "SampleExtractionErr";

/**
 * `| unwrap x` and the label filters behind it. An entry without the label is dropped, one whose
 * value does not convert carries an error and 0. The label is no label of the series unless a
 * grouping names it (`keepsLabel`).
 */
export function compileUnwrap(unwrap: Unwrap, options: { keepsLabel: boolean }): RowStage {
  const conversion = conversions[unwrap.conversion];
  const filters = unwrap.filters.map(({ filter }) => compileLabelFilter(filter));
  const name = unwrap.label;
  return (row) => {
    try {
      const value = convertLabel(row, name, conversion);
      if (value === undefined) return false;
      row.value = value;
    } catch (error) {
      if (!(error instanceof GoParseError)) throw error;
      row.value = 0;
      row.setStageError(sampleError, error.message);
    }
    for (const filter of filters) if (!filter(row)) return false;
    if (!options.keepsLabel) row.removeLabel(name);
    return true;
  };
}

export const conversions: Readonly<Record<Unwrap["conversion"], Conversion>> = {
  number: toFloat,
  bytes: toBytes,
  duration: toSeconds,
  duration_seconds: toSeconds,
};
