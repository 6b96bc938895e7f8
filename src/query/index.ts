/** LogQL queries: plan, read, evaluate. */
export type {
  MatrixSeries,
  QueryData,
  QueryEngine,
  QueryRequest,
  QueryResult,
  QueryStats,
  StreamResult,
  VectorSample,
} from "./engine.ts";
