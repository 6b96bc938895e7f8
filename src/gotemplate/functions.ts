/** Every function a template can name. Anything else is refused when the template is parsed. */

import { builtinFunctions } from "./builtin-functions.ts";
import { comparisonFunctions } from "./comparison-functions.ts";
import { conversionFunctions } from "./conversion-functions.ts";
import { decimalFunctions } from "./decimal-functions.ts";
import { encodingFunctions } from "./encoding-functions.ts";
import type { FunctionTable } from "./go-function.ts";
import { integerFunctions } from "./integer-functions.ts";
import { jsonFunctions } from "./json-functions.ts";
import { regexFunctions } from "./regex-functions.ts";
import { stringFunctions } from "./string-functions.ts";
import { lineFunctions, timeFunctions } from "./time-functions.ts";

export const functions: FunctionTable = {
  ...builtinFunctions,
  ...comparisonFunctions,
  ...conversionFunctions,
  ...decimalFunctions,
  ...encodingFunctions,
  ...integerFunctions,
  ...jsonFunctions,
  ...lineFunctions,
  ...regexFunctions,
  ...stringFunctions,
  ...timeFunctions,
};

export function hasFunction(name: string): boolean {
  return Object.hasOwn(functions, name);
}
