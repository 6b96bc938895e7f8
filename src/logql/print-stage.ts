/** Stages as Loki prints them, each on one line, from the operator or the `|` on. */
import { type Matcher, quoteGo } from "#model";
import type { LabelChoice, LabelFilter, ParserParameter, Stage, Unwrap } from "./ast.ts";
import { formatBytes, formatDecimal, formatGoDuration } from "./literals.ts";

export function printStage(stage: Stage): string {
  switch (stage.kind) {
    case "lineFilter": {
      const texts = stage.alternatives.map(({ text, isIp }) =>
        isIp ? `ip(${quoteGo(text)})` : quoteGo(text),
      );
      return `${stage.op} ${texts.join(" or ")}`;
    }
    case "json":
      return `| json${printParameters(stage.parameters)}`;
    case "logfmt": {
      const flags = (stage.strict ? " --strict" : "") + (stage.keepEmpty ? " --keep-empty" : "");
      return `| logfmt${flags}${printParameters(stage.parameters)}`;
    }
    case "pattern":
      return `| pattern ${quoteGo(stage.pattern)}`;
    case "regexp":
      return `| regexp ${quoteGo(stage.pattern)}`;
    case "unpack":
      return "| unpack";
    case "labelFilter":
      return `| ${printLabelFilter(stage.filter)}`;
    case "lineFormat":
      return `| line_format ${quoteGo(stage.template)}`;
    case "labelFormat": {
      const formats = stage.formats.map((format) =>
        format.kind === "rename"
          ? `${format.to}=${format.from}`
          : `${format.to}=${quoteGo(format.template)}`,
      );
      return `| label_format ${formats.join(",")}`;
    }
    case "decolorize":
      return "| decolorize";
    case "drop":
      return `| drop ${printChoices(stage.choices)}`;
    case "keep":
      return `| keep ${printChoices(stage.choices)}`;
    case "sort":
      return `| sort by ${stage.by}${stage.descending ? " desc" : ""}`;
    case "limit":
      return `| limit ${stage.count}`;
    case "distinct":
      return `| distinct by ${stage.names.join(",")}`;
    default:
      return stage satisfies never;
  }
}

export function printMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.map(printMatcher).join(", ")}}`;
}

/** `| unwrap x` alone; its label filters are stages of their own. */
export function printUnwrap({ label, conversion }: Unwrap): string {
  return `| unwrap ${conversion === "number" ? label : `${conversion}(${label})`}`;
}

function printMatcher({ name, op, value }: Matcher): string {
  return `${name}${op}${quoteGo(value)}`;
}

function printParameters(parameters: readonly ParserParameter[]): string {
  if (parameters.length === 0) return "";
  return ` ${parameters.map(({ name, path }) => `${name}=${quoteGo(path)}`).join(",")}`;
}

function printChoices(choices: readonly LabelChoice[]): string {
  return choices
    .map((choice) => (choice.kind === "name" ? choice.name : printMatcher(choice.matcher)))
    .join(",");
}

function printLabelFilter(filter: LabelFilter): string {
  switch (filter.kind) {
    case "and":
      return `( ${printLabelFilter(filter.left)} , ${printLabelFilter(filter.right)} )`;
    case "or":
      return `( ${printLabelFilter(filter.left)} or ${printLabelFilter(filter.right)} )`;
    case "text":
      return printMatcher(filter.matcher);
    case "number":
      return `${filter.name}${filter.op}${formatDecimal(filter.value)}`;
    case "duration":
      return `${filter.name}${filter.op}${formatGoDuration(BigInt(filter.value))}`;
    case "bytes":
      return `${filter.name}${filter.op}${formatBytes(filter.value)}`;
    case "ip":
      return `${filter.name}${filter.op}ip(${quoteGo(filter.pattern)})`;
    default:
      return filter satisfies never;
  }
}
