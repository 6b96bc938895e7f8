/**
 * Extent of a number literal, with the faults Go's text/scanner finds in one (The Go Programming
 * Language Specification, "Integer literals", "Floating-point literals"). Hexadecimal, octal and
 * binary numbers are scanned so that errors name them whole; LogQL then refuses all but decimal
 * ones.
 */
export interface NumberExtent {
  readonly to: number;
  readonly fault: string | undefined;
}

const decimalAt = /([0-9_]*)(\.[0-9_]*)?([eE][-+]?[0-9_]*)?/y;
const prefixedAt = /0([xXbBoO])([0-9a-fA-F_]*)(\.[0-9a-fA-F_]*)?([pP][-+]?[0-9_]*)?/y;
const binaryAt = /0[bB]([0-9_]*)/y;
const octalAt = /0[oO]([0-9_]*)/y;

export function scanNumber(text: string, from: number): NumberExtent {
  const prefix = text[from] === "0" ? (text[from + 1] ?? "").toLowerCase() : "";
  if (prefix === "x") return scanHexadecimal(text, from);
  if (prefix === "b") return scanInteger(text, from, binaryAt, "binary literal", 2);
  if (prefix === "o") return scanInteger(text, from, octalAt, "octal literal", 8);
  decimalAt.lastIndex = from;
  const [literal, whole, fraction, exponent] = decimalAt.exec(text)!;
  const to = from + literal.length;
  if (exponent !== undefined && !/[0-9]$/.test(exponent)) {
    return { to, fault: "exponent has no digits" };
  }
  if (whole!.startsWith("0") && fraction === undefined && exponent === undefined) {
    const invalid = /[89]/.exec(whole!)?.[0];
    if (invalid !== undefined) {
      return { to, fault: `invalid digit '${invalid}' in octal literal` };
    }
  }
  return { to, fault: underscoreFault(literal) };
}

function scanHexadecimal(text: string, from: number): NumberExtent {
  prefixedAt.lastIndex = from;
  const [literal, , digits, fraction, exponent] = prefixedAt.exec(text)!;
  const to = from + literal.length;
  if (!/[0-9a-fA-F]/.test(digits! + (fraction ?? ""))) {
    return { to, fault: "hexadecimal literal has no digits" };
  }
  if (fraction !== undefined && exponent === undefined) {
    return { to, fault: "hexadecimal mantissa requires a 'p' exponent" };
  }
  if (exponent !== undefined && !/[0-9]$/.test(exponent)) {
    return { to, fault: "exponent has no digits" };
  }
  return { to, fault: underscoreFault(literal) };
}

function scanInteger(
  text: string,
  from: number,
  pattern: RegExp,
  name: string,
  base: 2 | 8,
): NumberExtent {
  pattern.lastIndex = from;
  const [literal, digits] = pattern.exec(text)!;
  const to = from + literal.length;
  if (!/[0-9]/.test(digits!)) return { to, fault: `${name} has no digits` };
  const invalid = (base === 2 ? /[2-9]/ : /[89]/).exec(digits!)?.[0];
  if (invalid !== undefined) return { to, fault: `invalid digit '${invalid}' in ${name}` };
  return { to, fault: underscoreFault(literal) };
}

/** An underscore needs a digit (or the base prefix) before it and a digit after it. */
function underscoreFault(literal: string): string | undefined {
  if (!literal.includes("_")) return undefined;
  const body = literal.replace(/^0[xXbBoO]/, "0");
  return /^_|_$|__|_[^0-9a-fA-F]|[^0-9a-fA-F]_/.test(body)
    ? "'_' must separate successive digits"
    : undefined;
}
