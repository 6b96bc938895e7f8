/** Calling a function or method: how many arguments, of which types, and what its failure says. */

import { GoParseError } from "#gofmt";
import { RegexSyntaxError } from "#regex";
import type { FunctionContext, GoFunction, ParameterType } from "./go-function.ts";
import { type Command, type Operand, operandText } from "./nodes.ts";
import { printedText } from "./print.ts";
import { FunctionError } from "./template-error.ts";
import { Boxed, type Evaluated, GoInteger, isTrue, typeName, unbox } from "./values.ts";

/** Stands for "no value came through the pipe". */
export const missing: unique symbol = Symbol("missing");
export type Final = Evaluated | typeof missing;

export interface CallSite {
  /** The node blamed when the call itself fails. */
  readonly anchor: Operand | Command;
  readonly callee: Operand;
  readonly dot: Evaluated;
  /** With the callee as the first. */
  readonly args: readonly Operand[];
  readonly final: Final;
}

export interface Call {
  readonly name: string;
  readonly site: CallSite;
  readonly context: FunctionContext;
  readonly evaluate: (operand: Operand) => Evaluated;
  readonly blame: (anchor: Operand | Command) => void;
  /** Throws TemplateError. */
  readonly fail: (message: string) => never;
}

export function callFunction(called: GoFunction, call: Call): Evaluated {
  const operands = call.site.args.slice(1);
  const { final } = call.site;
  checkCount(called, operands.length, call);
  if (called.flaw !== undefined) call.fail(called.flaw);
  if (call.name === "and" || call.name === "or") return shortCircuit(operands, call);
  const args: Evaluated[] = operands.map((operand, index) =>
    evaluateArgument(operand, parameterAt(called, index), call),
  );
  if (final !== missing) args.push(checkType(final, parameterAt(called, args.length), call));
  if (call.name === "call") {
    call.blame(call.site.anchor);
    const [first] = operands;
    const callee = first === undefined ? printedText(args[0]) : operandText(first);
    call.fail(`error calling call: ${refuseCallee(callee, args[0])}`);
  }
  for (const arg of args) if (typeof arg === "string") call.context.charge(arg.length);
  try {
    const result = called.run(args, call.context);
    return result === null ? new Boxed(null) : result;
  } catch (error) {
    const isReported =
      error instanceof FunctionError ||
      error instanceof GoParseError ||
      error instanceof RegexSyntaxError;
    if (!isReported) throw error;
    call.blame(call.site.anchor);
    return call.fail(`error calling ${call.name}: ${error.message}`);
  }
}

/** Templates of log lines hold no functions, so `call` has nothing it could call. */
function refuseCallee(callee: string, value: Evaluated): string {
  const inner = unbox(value);
  if (inner === undefined || inner === null) return "call of nil";
  return `non-function ${callee} of type ${typeName(inner)}`;
}

function parameterAt(called: GoFunction, index: number): ParameterType {
  return called.parameters[index] ?? called.rest ?? "any";
}

function checkCount(called: GoFunction, operandCount: number, call: Call): void {
  const count = operandCount + (call.site.final === missing ? 0 : 1);
  const wanted = called.parameters.length;
  const complaint = `wrong number of args for ${call.name}: want`;
  if (called.rest !== undefined) {
    if (count < wanted) call.fail(`${complaint} at least ${wanted} got ${operandCount}`);
  } else if (count !== wanted) call.fail(`${complaint} ${wanted} got ${count}`);
}

/** `and` and `or` stop at the argument that decides. */
function shortCircuit(operands: readonly Operand[], call: Call): Evaluated {
  let value: Evaluated;
  for (const operand of operands) {
    value = evaluateArgument(operand, "value", call);
    if (isTrue(unbox(value)) === (call.name === "or")) return value;
  }
  return call.site.final === missing ? value : call.site.final;
}

function evaluateArgument(operand: Operand, type: ParameterType, call: Call): Evaluated {
  call.blame(operand);
  switch (operand.kind) {
    case "nil":
      if (type === "any" || type === "value") return type === "any" ? null : undefined;
      return call.fail(`cannot assign nil to ${type}`);
    case "bool":
    case "number":
    case "string":
      return evaluateLiteral(operand, type, call);
    case "chain":
    case "dot":
    case "field":
    case "identifier":
    case "pipeline":
    case "variable":
      return checkType(call.evaluate(operand), type, call);
    default:
      return operand satisfies never;
  }
}

function evaluateLiteral(
  operand: Operand & { kind: "bool" | "number" | "string" },
  type: ParameterType,
  call: Call,
): Evaluated {
  const found = `; found ${operandText(operand)}`;
  switch (type) {
    case "any":
    case "value":
      return call.evaluate(operand);
    case "string":
      return operand.kind === "string" ? operand.value : call.fail(`expected string${found}`);
    case "float64":
      if (operand.kind === "number" && operand.value.asFloat !== undefined) {
        return operand.value.asFloat;
      }
      return call.fail(`expected float${found}`);
    case "int":
    case "time.Duration":
      if (operand.kind === "number" && operand.value.asInteger !== undefined) {
        return new GoInteger(operand.value.asInteger, type);
      }
      return call.fail(`expected integer${found}`);
    case "time.Time":
      return call.fail(`can't handle ${operandText(operand)} for arg of type ${type}`);
    default:
      return type satisfies never;
  }
}

/** Go's validateType: the value itself when it has the type asked for. */
function checkType(value: Evaluated, type: ParameterType, call: Call): Evaluated {
  const inner = unbox(value);
  if (type === "value") return value;
  if (type === "any") return inner === undefined ? null : inner;
  if (inner === undefined) return call.fail(`invalid value; expected ${type}`);
  const found = inner === null ? "interface {}" : typeName(inner);
  if (found !== type) call.fail(`wrong type for value; expected ${type}; got ${found}`);
  return inner;
}
