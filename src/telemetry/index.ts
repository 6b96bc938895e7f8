/** Skald's own logs and metrics. */
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
