/** What a template function is: parameter types as Go declares them, and what it does. */

import type { TemplateScope } from "./template.ts";
import type { Evaluated } from "./values.ts";

/** `any` is `interface {}`; `value` is a reflect.Value, which may also be no value at all. */
export type ParameterType =
  | "any"
  | "float64"
  | "int"
  | "string"
  | "time.Duration"
  | "time.Time"
  | "value";

export interface FunctionContext {
  readonly scope: TemplateScope;
  /** Counts a string that is made, before it is, and refuses when the execution made too many. */
  charge(lengthUtf16: number): void;
}

export interface GoFunction {
  readonly parameters: readonly ParameterType[];
  /** The type of any further arguments. */
  readonly rest?: ParameterType;
  /** Why templates cannot call it, although Go has it: they take one result only. */
  readonly flaw?: string;
  /** Arguments have the declared types. Throws FunctionError, GoParseError or RegexSyntaxError. */
  readonly run: (args: readonly Evaluated[], context: FunctionContext) => Evaluated;
}

export type FunctionTable = Readonly<Record<string, GoFunction>>;
