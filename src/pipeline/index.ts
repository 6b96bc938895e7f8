/** The stages of a LogQL pipeline over blocks of entries. */
export { compilePipeline } from "./compile.ts";
export type { LineFacts } from "./line-search.ts";
export type { FieldUse, Pipeline, PipelineOptions, Row, StageUse } from "./pipeline.ts";
export { readFields } from "./read-fields.ts";
export { compileStoredSearch, type StoredSearch } from "./stored-search.ts";
