export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "^";
export type ComparisonOperator = "==" | "!=" | ">" | ">=" | "<" | "<=";
export type SetOperator = "and" | "or" | "unless";
export type ValueOperator = ArithmeticOperator | ComparisonOperator;

/**
 * Operators on numbers as LogQL defines them: division and modulo by zero give NaN whatever is
 * divided (PromQL will bring its own division), `%` keeps the sign of the dividend, comparisons
 * give 1 or 0.
 */
export const compute: Record<ValueOperator, (left: number, right: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => (b === 0 ? Number.NaN : a / b),
  "%": (a, b) => (b === 0 ? Number.NaN : a % b),
  "^": power,
  "==": (a, b) => Number(a === b),
  "!=": (a, b) => Number(a !== b),
  ">": (a, b) => Number(a > b),
  ">=": (a, b) => Number(a >= b),
  "<": (a, b) => Number(a < b),
  "<=": (a, b) => Number(a <= b),
};

/**
 * IEEE 754 pow, which differs from JavaScript's where the base is ±1: there any exponent gives 1.
 */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && (exponent === Infinity || exponent === -Infinity)) return 1;
  return base ** exponent;
}

export function isComparison(op: ValueOperator): op is ComparisonOperator {
  switch (op) {
    case "==":
    case "!=":
    case ">":
    case ">=":
    case "<":
    case "<=":
      return true;
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
    case "^":
      return false;
    default:
      return op satisfies never;
  }
}

export function isSetOperator(op: ValueOperator | SetOperator): op is SetOperator {
  return op === "and" || op === "or" || op === "unless";
}
