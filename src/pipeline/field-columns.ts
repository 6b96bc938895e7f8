/**
 * Parsers whose fields the store may keep as columns. What such a column has is what the parser
 * would give; the names they go by (`_extracted`) depend on what entries came with, and are made
 * here.
 */
import type { LogExpr, Stage } from "#logql";
import type { Block, FieldNeeds } from "#storage";
import { extractedSuffix, MetadataTexts, nowhere, type StreamBase } from "./base-labels.ts";
import { type FieldKey, fieldName } from "./key-names.ts";
import type { RowStage } from "./row-state.ts";
import type { WantedLabels } from "./wanted-labels.ts";

/** A column of fields, and what it is called in the rows of one stream. */
export interface FieldColumn extends FieldKey {
  readonly texts: MetadataTexts;
  knownBase: StreamBase | undefined;
  place: number;
}

export function fieldColumnsOf(block: Block): readonly FieldColumn[] | undefined {
  return block.fields?.map((column) => ({
    texts: new MetadataTexts(column),
    name: column.name,
    extractedName: column.name + extractedSuffix,
    knownBase: undefined,
    place: nowhere,
  }));
}

/** Names of this kind are never in columns, and blocks where lines have them have no columns. */
export function isReservedField(name: string): boolean {
  return name.startsWith("__") || name.endsWith(extractedSuffix);
}

/**
 * What to ask the store for instead of parsing in stage `at`; undefined when only parsing will do:
 * all fields are wanted, the parser has parameters, or a stage before it (`from` on) has made
 * labels.
 */
export function fieldNeedsOf(
  log: LogExpr,
  place: { readonly from: number; readonly at: number; readonly readsLineBehind: boolean },
  wanted: WantedLabels,
): FieldNeeds | undefined {
  const { from, at, readsLineBehind } = place;
  const parser = plainParser(log.stages[at]!);
  if (parser === undefined || wanted.needs === "all") return undefined;
  if (log.stages.slice(from, at).some(({ kind }) => kind !== "labelFilter")) return undefined;
  const names = new Set<string>();
  for (const name of wanted.needs) {
    const isExtracted = name.endsWith(extractedSuffix);
    const key = isExtracted ? name.slice(0, -extractedSuffix.length) : name;
    if (!isReservedField(key)) names.add(key);
    else if (isExtracted) return undefined;
  }
  return { parser, names: [...names], insteadOfLines: !readsLineBehind };
}

function plainParser(stage: Stage): FieldNeeds["parser"] | undefined {
  if (stage.kind !== "json" && stage.kind !== "logfmt") return undefined;
  if (stage.parameters.length > 0) return undefined;
  if (stage.kind === "logfmt" && (stage.strict || stage.keepEmpty)) return undefined;
  return stage.kind;
}

/** The parser, where a block comes without its columns. */
export function columnsOr(parse: RowStage): RowStage {
  return (row) => {
    const { fields } = row;
    if (fields === undefined) return parse(row);
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      const id = field.texts.ids[row.index]!;
      if (id !== 0) row.addColumnField(fieldName(field, row.base, row.index), field.texts, id);
    }
    return true;
  };
}
