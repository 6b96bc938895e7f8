/** Go text/template as LogQL's line_format and label_format expose it. */
export { compileTemplate, type Template, type TemplateScope } from "./template.ts";
export { TemplateError } from "./template-error.ts";
