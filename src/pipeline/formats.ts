import { compileTemplate, type Template, TemplateError, type TemplateScope } from "#gotemplate";
import type { LabelFormatStage, LineFormatStage } from "#logql";
import type { LabelPair } from "#model";
import type { RowStage, RowState } from "./row-state.ts";

const templateError = "TemplateFormatErr";

/** What templates see of a row. */
export class RowScope implements TemplateScope {
  readonly #nowNs: () => bigint;
  row!: RowState;

  constructor(nowNs: () => bigint) {
    this.#nowNs = nowNs;
  }

  label(name: string): string | undefined {
    return this.row.label(name);
  }

  labels(): readonly LabelPair[] {
    return this.row.labels().pairs;
  }

  line(): string {
    return this.row.line();
  }

  timestampNs(): bigint {
    const { block, index } = this.row;
    return block.baseNs + BigInt(block.offsets[index]!);
  }

  nowNs(): bigint {
    return this.#nowNs();
  }
}

export function compileLineTemplate(stage: LineFormatStage): Template {
  return compileTemplate(stage.template, { name: "line" });
}

/** `| line_format`: a failing template leaves the line as it was and sets an error. */
export function lineFormat(template: Template, scope: RowScope): RowStage {
  return (row) => {
    const text = execute(template, scope, row);
    if (text !== undefined) row.setLineText(text);
    return true;
  };
}

/** Undefined after an error, which the row then carries. */
function execute(template: Template, scope: RowScope, row: RowState): string | undefined {
  scope.row = row;
  try {
    return template.execute(scope);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    row.setStageError(templateError, error.message);
    return undefined;
  }
}

export type CompiledLabelFormat =
  | { readonly kind: "rename"; readonly to: string; readonly from: string }
  | { readonly kind: "template"; readonly to: string; readonly template: Template };

export function compileLabelTemplates(stage: LabelFormatStage): CompiledLabelFormat[] {
  return stage.formats.map((format) =>
    format.kind === "rename"
      ? format
      : {
          kind: "template",
          to: format.to,
          template: compileTemplate(format.template, { name: "label" }),
        },
  );
}

/**
 * `| label_format`: templates see the labels from before the stage; renames run in the order
 * written.
 */
export function labelFormat(formats: readonly CompiledLabelFormat[], scope: RowScope): RowStage {
  const texts: (string | undefined)[] = [];
  return (row) => {
    for (let i = 0; i < formats.length; i++) {
      const format = formats[i]!;
      texts[i] = format.kind === "template" ? execute(format.template, scope, row) : undefined;
    }
    for (let i = 0; i < formats.length; i++) {
      const format = formats[i]!;
      if (format.kind === "rename") rename(row, format.from, format.to);
      else if (texts[i] !== undefined) row.setLabel(format.to, texts[i]!);
    }
    return true;
  };
}

/** A missing label changes nothing. */
function rename(row: RowState, from: string, to: string): void {
  const value = row.plainLabel(from);
  if (value === undefined) return;
  row.setLabel(to, value);
  row.removeLabel(from);
}
