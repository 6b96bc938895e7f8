import type { LabelFilter } from "#logql";

/** Names of the labels a filter reads. */
export function labelsOfFilter(filter: LabelFilter): string[] {
  switch (filter.kind) {
    case "and":
    case "or":
      return [...labelsOfFilter(filter.left), ...labelsOfFilter(filter.right)];
    case "text":
      return [filter.matcher.name];
    case "number":
    case "duration":
    case "bytes":
    case "ip":
      return [filter.name];
    default:
      return filter satisfies never;
  }
}
