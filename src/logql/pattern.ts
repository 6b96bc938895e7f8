import { PatternError } from "./pattern-error.ts";

/** A piece of a pattern: text that must stand there, or `<name>`, or `<_>` (no name). */
export type PatternPart =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "capture"; readonly name: string | undefined };

const captureAt = /<([A-Za-z_][A-Za-z0-9_]*)>/g;

/**
 * The little language of `| pattern` (mode "capture": at least one named capture, each name once)
 * and of `|>` and `!>` (mode "filter": no named capture, may be empty). Between two captures a
 * literal must stand. What is not a capture is text. Throws PatternError.
 */
export function parsePattern(
  text: string,
  { mode }: { mode: "capture" | "filter" },
): readonly PatternPart[] {
  if (text === "" && mode === "capture") {
    const what = "syntax error: unexpected $end, expecting IDENTIFIER or LITERAL";
    throw new PatternError(`parse error at line 1, col 1: ${what}`);
  }
  const parts = splitPattern(text);
  const names = parts.flatMap((part) =>
    part.kind === "capture" && part.name !== undefined ? [part.name] : [],
  );
  if (mode === "capture" && names.length === 0) {
    throw new PatternError("at least one capture is required");
  }
  if (mode === "filter" && names.length > 0) {
    throw new PatternError(`named captures are not allowed: found '<${names[0]}>'`);
  }
  refuseConsecutive(parts);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new PatternError(`duplicate capture name (${name}): invalid expression`);
    }
    seen.add(name);
  }
  return parts;
}

function splitPattern(text: string): readonly PatternPart[] {
  const parts: PatternPart[] = [];
  let at = 0;
  for (const match of text.matchAll(captureAt)) {
    if (match.index > at) parts.push({ kind: "literal", text: text.slice(at, match.index) });
    parts.push({ kind: "capture", name: match[1] === "_" ? undefined : match[1] });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ kind: "literal", text: text.slice(at) });
  return parts;
}

function refuseConsecutive(parts: readonly PatternPart[]): void {
  for (let i = 1; i < parts.length; i++) {
    const [left, right] = [parts[i - 1]!, parts[i]!];
    if (left.kind !== "capture" || right.kind !== "capture") continue;
    const both = `<${left.name ?? "_"}><${right.name ?? "_"}>`;
    throw new PatternError(`found consecutive capture '${both}': invalid expression`);
  }
}
