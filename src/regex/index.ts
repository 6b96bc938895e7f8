/** RE2 syntax and semantics at the speed of the engine's own regular expressions. */
export { compileRegex, type Regex, RegexSyntaxError } from "./regex.ts";
