import type { LabelFilter, Stage } from "#logql";
import type { MetadataColumn } from "#storage";
import type { Conversion } from "./conversions.ts";
import { labelsOfFilter } from "./label-needs.ts";
import type { FieldUse, PipelineOptions } from "./pipeline.ts";
import { conversions } from "./unwrap.ts";

/** Stages that look at labels alone, and parsers whose fields may have come as columns. */
const kindsByFields: ReadonlySet<Stage["kind"]> = new Set([
  "json",
  "logfmt",
  "labelFilter",
  "drop",
  "keep",
]);

/** See `Pipeline.byFields`; of stages from `from` on. */
export function fieldUseOf(
  stages: readonly Stage[],
  from: number,
  { labelsWanted, unwrap }: PipelineOptions,
): FieldUse | undefined {
  const own = stages.slice(from);
  if (!own.every(({ kind }) => kindsByFields.has(kind))) return undefined;
  if (unwrap === undefined) return { unwrapped: undefined };
  const name = unwrap.label;
  const filters = own.flatMap((stage) => (stage.kind === "labelFilter" ? [stage.filter] : []));
  const isRead = (filter: LabelFilter): boolean => labelsOfFilter(filter).includes(name);
  const isShared =
    own.some(({ kind }) => kind === "drop" || kind === "keep") ||
    [...filters, ...unwrap.filters.map(({ filter }) => filter)].some(isRead) ||
    (labelsWanted !== "all" && labelsWanted.includes(name));
  if (isShared) return { unwrapped: undefined };
  const conversion = conversions[unwrap.conversion];
  return { unwrapped: { name, numbersOf: (column) => numbersOf(column, conversion) } };
}

function numbersOf({ values }: MetadataColumn, conversion: Conversion): Float64Array {
  const { bytes, starts, count } = values;
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    numbers[i] = conversion.ofBytes(bytes, starts[i]!, starts[i + 1]!);
  }
  return numbers;
}
