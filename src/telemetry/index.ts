/** Skald's own logs and metrics. */
export {
  BackgroundBoard,
  type BackgroundStatus,
  type BackgroundTask,
  type StatusReader,
} from "./background-board.ts";
export {
  createLogger,
  type LogFields,
  type LogFormat,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  logLevels,
} from "./logger.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
