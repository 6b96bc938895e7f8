import type { PatternStage } from "#logql";
import { findBytes } from "./bytes-search.ts";
import { type PatternPart, readPattern } from "./pattern-parts.ts";
import type { RowStage, RowState } from "./row-state.ts";
import type { WantedLabels } from "./wanted-labels.ts";

/**
 * `| pattern`: anchored at the start of the line. Where a literal is missing, the capture before it
 * takes the rest and the later ones are absent.
 */
export function compilePattern(stage: PatternStage, wanted: WantedLabels): RowStage {
  const parts = readPattern(stage.pattern, "capture");
  return (row) => {
    capture(row, parts, wanted);
    return true;
  };
}

function capture(row: RowState, parts: readonly PatternPart[], wanted: WantedLabels): void {
  const buffer = row.lineBuffer;
  const end = row.lineTo;
  let at = row.lineFrom;
  if (at === end) return;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.kind === "literal") {
      // Only the first part can be a literal here: the others are taken with the capture before
      // them.
      if (findBytes(buffer, at, Math.min(end, at + part.bytes.length), part.bytes) < 0) return;
      at += part.bytes.length;
      continue;
    }
    const next = parts[i + 1];
    const found = next?.kind === "literal" ? findBytes(buffer, at, end, next.bytes) : -1;
    const to = found < 0 ? end : found;
    if (part.name !== undefined && wanted.has(part.name)) {
      row.addField(row.fieldName(part.name), "plain", buffer, at, to);
    }
    if (next?.kind !== "literal" || found < 0) return;
    at = found + next.bytes.length;
    i++;
  }
}
