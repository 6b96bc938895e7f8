/**
 * A template that does not parse, or fails while running. The message is Go's without the leading
 * stage text, e.g. `template: line:1: unclosed action` or
 * `template: line:1:2: executing "line" at <.x>: …`.
 */
export class TemplateError extends Error {}

/** What a function reports; the caller adds where in the template it was called. */
export class FunctionError extends Error {}
