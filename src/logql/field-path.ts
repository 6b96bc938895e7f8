/**
 * Paths of parser parameters: `json x="a.b[0][\"c\"]"` and `logfmt x="key"`. Error texts name the
 * tokens as Loki's own little grammars do.
 */
import { PatternError } from "./pattern-error.ts";

interface PathToken {
  readonly kind: "FIELD" | "STRING" | "INDEX" | "DOT" | "LSB" | "RSB" | "$end";
  readonly text: string;
}

const tokenAt = /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|([0-9]+)|"([^"]*)"?|(\.)|(\[)|(\]))/y;
const kinds = ["FIELD", "INDEX", "STRING", "DOT", "LSB", "RSB"] as const;

/** Names and array indexes from the outside in. Throws PatternError. */
export function parseJsonPath(text: string): readonly (string | number)[] {
  const tokens = scanPath(text);
  const steps: (string | number)[] = [];
  let i = 0;
  const expect = (expected: readonly PathToken["kind"][], list = expected): PathToken => {
    const token = tokens[i]!;
    if (expected.includes(token.kind)) {
      i++;
      return token;
    }
    const names = list.length === 0 ? "" : `, expecting ${list.join(" or ")}`;
    return refuse(text, `syntax error: unexpected ${token.kind}${names}`);
  };
  for (let isFirst = true; ; isFirst = false) {
    const token = isFirst ? expect(["LSB", "FIELD"]) : expect(["DOT", "LSB", "$end"], []);
    if (token.kind === "$end") return steps;
    if (token.kind === "FIELD") steps.push(token.text);
    else if (token.kind === "DOT") steps.push(expect(["FIELD"]).text);
    else {
      const key = expect(["STRING", "INDEX"]);
      steps.push(key.kind === "INDEX" ? Number(key.text) : key.text);
      expect(["RSB"]);
    }
  }
}

/** The one plain or quoted key. Throws PatternError. */
export function parseLogfmtKey(text: string): string {
  const tokens = scanPath(text, /[.[\]]/);
  const [key, rest] = tokens as [PathToken, PathToken | undefined];
  const nameOf = (kind: PathToken["kind"]) => (kind === "FIELD" || kind === "INDEX" ? "KEY" : kind);
  if (key.kind === "$end") {
    refuse(text, "syntax error: unexpected $end, expecting STRING or KEY");
  }
  if (rest !== undefined && rest.kind !== "$end") {
    refuse(text, `syntax error: unexpected ${nameOf(rest.kind)}`);
  }
  return key.text;
}

/** Letters outside ASCII end the text, as they do in Loki; any other stray character is refused. */
function scanPath(text: string, refused = /[^\s\S]/): readonly PathToken[] {
  const tokens: PathToken[] = [];
  let at = 0;
  for (;;) {
    tokenAt.lastIndex = at;
    const match = tokenAt.exec(text);
    if (match === null) break;
    const index = match.slice(1).findIndex((group) => group !== undefined);
    const token = { kind: kinds[index]!, text: match[index + 1]! };
    if (refused.test(token.text) && token.kind !== "STRING")
      refuse(text, `unexpected char ${token.text}`);
    tokens.push(token);
    at = tokenAt.lastIndex;
  }
  const stray = text.slice(at).trimStart();
  if (stray !== "" && !/^\p{L}/u.test(stray)) {
    refuse(text, `unexpected char ${String.fromCodePoint(stray.codePointAt(0)!)}`);
  }
  return [...tokens, { kind: "$end", text: "" }];
}

function refuse(text: string, message: string): never {
  throw new PatternError(`cannot parse expression [${text}]: ${message}`);
}
