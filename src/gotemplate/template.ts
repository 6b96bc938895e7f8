/**
 * A template that does not parse, or fails while running. The message is Go's without the leading stage text, e.g.
 * `template: line:1: unclosed action` or `template: line:1:2: executing "line" at <.x>: …`.
 */
export class TemplateError extends Error {}

/** What a template sees of the entry at hand. */
export interface TemplateScope {
  /** Effective label (parsed, metadata, stream), undefined when there is none. */
  label(name: string): string | undefined;
  /** All effective labels (for `{{ . }}` and `range`), sorted by name. */
  labels(): readonly (readonly [string, string])[];
  /** `__line__`: the line at this stage. */
  line(): string;
  /** `__timestamp__`: nanoseconds since 1970. */
  timestampNs(): bigint;
  /** `now`: nanoseconds since 1970. */
  nowNs(): bigint;
}

export interface Template {
  /** Names of labels the template may read, or undefined when it can reach any (`{{ . }}`, `range`). */
  readonly labelsRead: ReadonlySet<string> | undefined;
  readonly readsLine: boolean;
  /** Throws TemplateError. Output is bounded; more is an error. */
  execute(scope: TemplateScope): string;
}

/** `name` is what Go calls the template in messages (`line` for line_format, `label` for label_format). Throws TemplateError. */
export function compileTemplate(_text: string, _options: { name: string }): Template {
  throw new TemplateError("template: unfinished");
}
