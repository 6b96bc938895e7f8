import type { BinaryOp } from "./ast.ts";

/**
 * Arithmetic and comparison of two numbers as LogQL has it: division by zero gives NaN, comparisons
 * 1 or 0.
 */
export function foldNumbers(
  op: Exclude<BinaryOp, "and" | "or" | "unless">,
  left: number,
  right: number,
): number {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? Number.NaN : left / right;
    case "%":
      return right === 0 ? Number.NaN : left % right;
    case "^":
      return power(left, right);
    case "==":
      return Number(left === right);
    case "!=":
      return Number(left !== right);
    case ">":
      return Number(left > right);
    case ">=":
      return Number(left >= right);
    case "<":
      return Number(left < right);
    case "<=":
      return Number(left <= right);
    default:
      return op satisfies never;
  }
}

/** As C and Go: 1 to any power is 1, and so is -1 to an infinite one; JavaScript says NaN. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}
