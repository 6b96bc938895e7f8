import { type Expr, ParseError, parseQuery, type ParseOptions } from "#logql";
import { CliError } from "./cli-error.ts";
import { underline } from "./report-failure.ts";

/** Text → syntax tree; what is wrong with it is a CliError that points at the place. */
export function queryOf(text: string, options: ParseOptions = {}): Expr {
  try {
    return parseQuery(text, options);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new CliError(error.message, { hints: underline(text, error.message) ?? [] });
  }
}
