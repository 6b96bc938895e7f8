/** What one template may cost. Loki has no such limits; a query must not stop the process. */

/** Nested actions and parentheses; deeper ones would exhaust the stack of the parser. */
export const nestingMax = 200;
/** Templates, actions and pipelines open at once while running, for the same reason. */
export const depthMax = 600;
/** UTF-16 units of one execution's output. A line of that size is refused by ingestion anyway. */
export const outputLengthMax: number = 1024 * 1024;
/**
 * UTF-16 units of all strings that functions read and make in one execution, so that a loop of
 * `repeat`, or of searches in a long line, ends.
 */
export const workLengthMax: number = 16 * 1024 * 1024;
/** Nodes evaluated in one execution; the dearest take some microseconds. */
export const stepsMax = 200_000;
/** Arguments of one call; decimals grow with each of them. */
export const argumentCountMax = 1000;
/** Nesting of a JSON value; printing it recurses. */
export const jsonDepthMax = 1000;
/** Go's own limit on the width and precision of a verb. */
export const widthMax = 1_000_000;
