import { parsePattern } from "#logql";

/**
 * A pattern of `| pattern` or `|>` over bytes: literals and captures in turn. `<_>` is a capture
 * without a name.
 */
export type PatternPart =
  | { readonly kind: "literal"; readonly bytes: Buffer }
  | { readonly kind: "capture"; readonly name: string | undefined };

export function readPattern(text: string, mode: "capture" | "filter"): PatternPart[] {
  return parsePattern(text, { mode }).map((part) =>
    part.kind === "literal" ? { kind: "literal", bytes: Buffer.from(part.text) } : part,
  );
}
