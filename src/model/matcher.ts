/** How a matcher compares: equal, not equal, regular expression anchored at both ends, its negation. */
export type MatchOp = "=" | "!=" | "=~" | "!~";

/**
 * A test on one label. A missing label is the empty string. `test` is pure; for `=~` and `!~` it is built by `#regex`
 * so that RE2's rules hold.
 */
export interface Matcher {
  readonly name: string;
  readonly op: MatchOp;
  readonly value: string;
  readonly test: (value: string) => boolean;
}
