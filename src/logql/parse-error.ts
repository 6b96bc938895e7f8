import { RequestError } from "#base";
import type { Span } from "./ast.ts";

/**
 * Where a fault was found. Lines and columns count characters from 1; line 0 marks a composed
 * token.
 */
export interface ParsePosition {
  readonly line: number;
  readonly column: number;
  readonly span?: Span;
}

/**
 * A query that is not LogQL, or asks for what LogQL does not allow. Status 400; the message is what
 * Loki answers: `parse error at line L, col C: …` for faults of syntax, `parse error : …` for
 * faults found after parsing.
 */
export class ParseError extends RequestError {
  /** 0 when the fault has no position. */
  readonly line: number;
  /** 0 when the fault has no position. */
  readonly column: number;
  readonly span: Span | undefined;

  constructor(message: string, position?: ParsePosition) {
    const at =
      position === undefined || (position.line === 0 && position.column === 0)
        ? "parse error : "
        : `parse error at line ${position.line}, col ${position.column}: `;
    super(400, at + message);
    this.name = "ParseError";
    this.line = position?.line ?? 0;
    this.column = position?.column ?? 0;
    this.span = position?.span;
  }
}
