/** RE2 syntax and semantics at the speed of the engine's own regular expressions. */
export { compileRegex, type Regex, type RegexMatch, type RegexOptions } from "./regex.ts";
export { RegexSyntaxError } from "./regex.ts";
export type { BlockEngines } from "./linear-engine.ts";
export { expandTemplate, type ExpandGroups } from "./expand.ts";
