import { compileTemplate, TemplateError } from "#gotemplate";
import { compileRegex, RegexSyntaxError } from "#regex";
import type { LabelFilter, LabelFormatStage, LineFilterStage, Stage } from "./ast.ts";
import { parseJsonPath, parseLogfmtKey } from "./field-path.ts";
import { compileIpMatcher } from "./ip-pattern.ts";
import { ParseError } from "./parse-error.ts";
import { parsePattern } from "./pattern.ts";
import { PatternError } from "./pattern-error.ts";
import { printStage } from "./print-stage.ts";

/** Throws ParseError when a template, expression, pattern or path of the stage does not compile. */
export function checkStage(stage: Stage): void {
  const prefix = `stage '${printStage(stage)}' : `;
  switch (stage.kind) {
    case "lineFilter":
      return refusing(prefix, () => checkLineFilter(stage));
    case "json":
      return refusing(prefix, () => stage.parameters.forEach(({ path }) => parseJsonPath(path)));
    case "logfmt":
      return refusing(prefix, () => stage.parameters.forEach(({ path }) => parseLogfmtKey(path)));
    case "pattern":
      return refusing("invalid pattern parser: ", () => {
        parsePattern(stage.pattern, { mode: "capture" });
      });
    case "regexp":
      return refusing("invalid regexp parser: ", () => checkCaptures(stage.pattern));
    case "labelFilter":
      return refusing(prefix, () => checkLabelFilter(stage.filter));
    case "lineFormat":
      return refusing(`${prefix}invalid line template: `, () => {
        compileTemplate(stage.template, { name: "line" });
      });
    case "labelFormat":
      return refusing(prefix, () => checkLabelFormat(stage));
    case "unpack":
    case "decolorize":
    case "drop":
    case "keep":
    case "sort":
    case "limit":
    case "distinct":
      return;
    default:
      return stage satisfies never;
  }
}

/** Gives a fault of what a stage holds the words that lead to it. */
function refusing(prefix: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    const isFault =
      error instanceof PatternError ||
      error instanceof RegexSyntaxError ||
      error instanceof TemplateError;
    throw isFault ? new ParseError(prefix + error.message) : error;
  }
}

function checkLineFilter({ op, alternatives }: LineFilterStage): void {
  for (const { text, isIp } of alternatives) {
    if (isIp) {
      if (op !== "|=" && op !== "!=") throw new PatternError("ip: invalid operation");
      compileIpMatcher(text);
    } else if (op === "|~" || op === "!~") compileRegex(text, { anchored: false });
    else if (op === "|>" || op === "!>") parsePattern(text, { mode: "filter" });
  }
}

function checkCaptures(source: string): void {
  const names = compileRegex(source, { anchored: false }).groupNames.filter(
    (name) => name !== undefined,
  );
  if (names.length === 0) throw new PatternError("at least one named capture must be supplied");
  for (const [i, name] of names.entries()) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new PatternError(`invalid extracted label name '${name}'`);
    }
    if (names.indexOf(name) !== i) {
      throw new PatternError(`duplicate extracted label name '${name}'`);
    }
  }
}

function checkLabelFilter(filter: LabelFilter): void {
  if (filter.kind === "ip") compileIpMatcher(filter.pattern);
  if (filter.kind !== "and" && filter.kind !== "or") return;
  checkLabelFilter(filter.left);
  checkLabelFilter(filter.right);
}

function checkLabelFormat({ formats }: LabelFormatStage): void {
  const seen = new Set<string>();
  for (const { to } of formats) {
    if (to === "__error__") throw new PatternError(`${to} cannot be formatted`);
    if (seen.has(to)) {
      const where = "not allowed in a single format operation";
      throw new PatternError(`multiple label name '${to}' ${where}`);
    }
    seen.add(to);
  }
  for (const format of formats) {
    if (format.kind !== "template") continue;
    try {
      compileTemplate(format.template, { name: "label" });
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new PatternError(`invalid template for label '${format.to}': ${error.message}`);
    }
  }
}
