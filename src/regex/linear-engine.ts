/**
 * V8's linear ("experimental") engine. With these switches a `RegExp` run that backtracks more than the engine's own bound
 * is begun again in an engine that takes linear time, if the expression is one that engine understands. `isLinear`
 * asks the engine itself, through its `l` flag, so that nothing rests on our own list of what it understands.
 *
 * The switches are the process's: every other expression only gains by them.
 */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--enable-experimental-regexp-engine");
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");

/** The expression, if the engine takes it and can finish it in linear time. */
export function compileLinear(source: string): RegExp | undefined {
  try {
    new RegExp(source, "l");
    return new RegExp(source, "g");
  } catch (error) {
    // A syntax error here means "not in linear time" or "too large".
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
