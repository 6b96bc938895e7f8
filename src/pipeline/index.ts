/** The stages of a LogQL pipeline over blocks of entries. */
export type { Pipeline, PipelineOptions, Row } from "./pipeline.ts";
