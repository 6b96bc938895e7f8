/** What logs look like from outside: labels worth choosing by, and the fields of their lines. */
export { type DetectedLabel, detectLabels } from "./detected-labels.ts";
export {
  type DetectedField,
  detectFields,
  detectFieldValues,
  type SampleRequest,
} from "./detected-fields.ts";
export type { FieldType } from "./field-type.ts";
