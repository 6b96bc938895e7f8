import type { DropStage, KeepStage, LabelChoice } from "#logql";
import { errorDetailsLabel, errorLabel } from "./base-labels.ts";
import type { RowStage, RowState } from "./row-state.ts";

/**
 * `| drop x, y="v"`: with a condition only where it holds. Without `__error__` there are no details
 * either.
 */
export function compileDrop(stage: DropStage): RowStage {
  const choices = stage.choices;
  return (row) => {
    for (const choice of choices) if (holds(choice, row)) drop(row, nameOf(choice));
    return true;
  };
}

/** Parsed fields that are called like the error labels stay. */
function drop(row: RowState, name: string): void {
  if (name === errorLabel) row.clearError();
  else if (name === errorDetailsLabel) row.stageErrorDetails = "";
  else row.removeLabel(name);
}

/**
 * `| keep x, y="v"`: removes every other label but the error labels; y, too, where its condition
 * does not hold.
 */
export function compileKeep(stage: KeepStage): RowStage {
  const keeps = (name: string, row: RowState): boolean =>
    stage.choices.some((choice) => nameOf(choice) === name && holds(choice, row));
  return (row) => {
    row.removeAllBut(keeps);
    return true;
  };
}

export function nameOf(choice: LabelChoice): string {
  return choice.kind === "name" ? choice.name : choice.matcher.name;
}

function holds(choice: LabelChoice, row: RowState): boolean {
  if (choice.kind === "name") return true;
  return choice.matcher.test(row.label(choice.matcher.name) ?? "");
}
