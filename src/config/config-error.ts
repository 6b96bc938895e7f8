/** Something wrong with the configuration, and where: `loki.yaml:12:5: limits_config.x: …`. */
export interface ConfigProblem {
  /** A file, or `-flag` for the command line. */
  readonly source: string;
  /** From 1; 0 when the place has no line. */
  readonly line: number;
  readonly column: number;
  /** The key's path, `server.http_listen_port`; empty when it is not about one key. */
  readonly key: string;
  readonly message: string;
}

export function problemText(problem: ConfigProblem): string {
  const { source, line, column, key, message } = problem;
  const place = line > 0 ? `${source}:${line}:${column}` : source;
  return key === "" ? `${place}: ${message}` : `${place}: ${key}: ${message}`;
}

/** Everything that is wrong at once, so that a file is mended in one go. Carries no secrets. */
export class ConfigError extends Error {
  readonly messages: readonly string[];

  constructor(messages: readonly string[]) {
    super(messages.join("\n"));
    this.name = "ConfigError";
    this.messages = messages;
  }
}
