/**
 * Scalars of YAML as Go's yaml.v3 writes them, which is what Loki's rules API answers with: plain
 * where that reads back as the same string, else quoted, and literal blocks for several lines.
 */

/** Words and numbers that a plain scalar would be read as (YAML 1.2 and yaml.v3's own list). */
const otherWords: ReadonlySet<string> = new Set(
  (
    " ~ null Null NULL true True TRUE false False FALSE y Y yes Yes YES on On ON n N no No NO " +
    "off Off OFF << = .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF .nan .NaN .NAN"
  ).split(" "),
);
const numbers =
  /^[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|\d[\d_]*|(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const times =
  /^\d{4}-\d\d?-\d\d?(?:$|[Tt ]+\d\d?:\d\d:\d\d(?:\.\d+)?\s*(?:[Zz]|[-+]\d\d?(?::\d\d)?)?$)/;

const indicatorsAtStart = /^[#,[\]{}&*!|>'"%@`]/;
const blockIndicators = /^(?:---|\.\.\.)|^[-?:](?:\s|$)|:(?:\s|$)|\s#/;
const unprintable = /[^\P{Cc}\t\n\r\x85]|[\ufeff\ufffe\uffff]/u;

const escapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\\0"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\v", "\\v"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ["\x1b", "\\e"],
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x85", "\\N"],
  ["\ufeff", "\\uFEFF"],
]);

function doubleQuoted(text: string): string {
  let out = "";
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const escape = escapes.get(char);
    if (escape !== undefined) out += escape;
    else if (!unprintable.test(char)) out += char;
    else if (code < 0x100) out += `\\x${code.toString(16).toUpperCase().padStart(2, "0")}`;
    else out += `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
  }
  return `"${out}"`;
}

function literalBlock(text: string, indent: string): string {
  const body = text.replace(/\n+$/, "");
  const tail = text.length - body.length;
  const chomp = tail === 0 ? "-" : tail === 1 && body !== "" ? "" : "+";
  const hint = /^[ \n]/.test(text) ? "4" : "";
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const shown = lines.map((line) => (line === "" ? "" : indent + line));
  return `|${hint}${chomp}\n${shown.join("\n")}`;
}

/** `indent` is what lines of a block begin with. A block does not end with a newline. */
export function yamlScalar(text: string, indent: string): string {
  const isSpecial = unprintable.test(text) || /\t/.test(text);
  if (text.includes("\n")) {
    const isLiteral = !unprintable.test(text) && !/ $| \n|\r/.test(text);
    return isLiteral ? literalBlock(text, indent) : doubleQuoted(text);
  }
  if (isSpecial || /\r/.test(text)) return doubleQuoted(text);
  const isOther =
    otherWords.has(text) || [numbers, base60, times].some((pattern) => pattern.test(text));
  if (isOther) return doubleQuoted(text);
  const isPlain =
    !indicatorsAtStart.test(text) && !blockIndicators.test(text) && !/^ | $/.test(text);
  return isPlain ? text : `'${text.replaceAll("'", "''")}'`;
}

/** Keys of maps in yaml.v3's order: numbers in them by value, letters after all else. */
export function compareYamlKeys(left: string, right: string): number {
  const a = Array.from(left);
  const b = Array.from(right);
  for (let at = 0; at < a.length && at < b.length; at++) {
    const x = a[at] ?? "";
    const y = b[at] ?? "";
    if (x === y) continue;
    const [xIsLetter, yIsLetter] = [isLetter(x), isLetter(y)];
    if (xIsLetter && yIsLetter) return x < y ? -1 : 1;
    if (xIsLetter !== yIsLetter) {
      const afterDigit = at > 0 && isDigit(a[at - 1] ?? "");
      // A number that ends sooner is the smaller one.
      if (afterDigit) return xIsLetter ? -1 : 1;
      return xIsLetter ? 1 : -1;
    }
    const [xNumber, yNumber] = [numberAt(a, at), numberAt(b, at)];
    if (xNumber !== undefined && yNumber !== undefined && xNumber !== yNumber) {
      return xNumber - yNumber;
    }
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

function isLetter(char: string): boolean {
  return /\p{L}/u.test(char);
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9";
}

/** The whole number that the digit at `at` belongs to. */
function numberAt(chars: readonly string[], at: number): number | undefined {
  if (!isDigit(chars[at] ?? "")) return undefined;
  let from = at;
  while (from > 0 && isDigit(chars[from - 1] ?? "")) from--;
  let to = at;
  while (isDigit(chars[to] ?? "")) to++;
  return Number(chars.slice(from, to).join(""));
}
