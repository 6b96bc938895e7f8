/** How a command ends. Documented for scripts in docs/using/cli.md; never renumbered. */
export const exitOk = 0;
/** The query, the server or the data is at fault; what was printed may be incomplete. */
export const exitFailed = 1;
/** The command line is at fault; nothing was done. */
export const exitUsage = 2;
/** Ctrl-C, as shells count it: 128 + SIGINT. A tail that is interrupted ends with 0 instead. */
export const exitInterrupted = 130;

/** A failure that is explained to the user in full: what happened, then what to do about it. */
export class CliError extends Error {
  readonly exitCode: number;
  /** What to try, one line each. */
  readonly hints: readonly string[];

  constructor(message: string, options: { exitCode?: number; hints?: readonly string[] } = {}) {
    super(message);
    this.name = "CliError";
    this.exitCode = options.exitCode ?? exitFailed;
    this.hints = options.hints ?? [];
  }
}

export function usageError(message: string, ...hints: string[]): CliError {
  return new CliError(message, { exitCode: exitUsage, hints });
}

/** Who read our standard output is gone (`| head`): nothing is wrong, there is no more to do. */
export class OutputClosed extends Error {}

/** The user pressed Ctrl-C. */
export class Interrupted extends Error {}
