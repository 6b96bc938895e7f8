/** Go text/template: as LogQL's line_format and label_format expose it, and over any document. */
export {
  compileDocumentTemplate,
  type DocumentTemplate,
  type DocumentTemplateOptions,
  textMap,
} from "./document-template.ts";
export type { FunctionContext, FunctionTable, GoFunction } from "./go-function.ts";
export { compileTemplate, type Template, type TemplateScope } from "./template.ts";
export { FunctionError, TemplateError } from "./template-error.ts";
export {
  type Evaluated,
  GoInteger,
  GoMap,
  GoSlice,
  GoTime,
  type GoValue,
  integer,
  LabelMap,
  unbox,
} from "./values.ts";
