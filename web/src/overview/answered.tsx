import type { ComponentChildren, JSX } from "preact";
import type { Answer } from "./use-answer.ts";

interface AnsweredProps<T> {
  readonly answer: Answer<readonly T[]>;
  /** Said when there is nothing. */
  readonly empty: string;
  readonly children: (items: readonly T[]) => ComponentChildren;
}

const widths = [88, 72, 80, 64];

/** A list that is asked for: grey bars while it is awaited, why it failed, or what it holds. */
export function Answered<T>({ answer, empty, children }: AnsweredProps<T>): JSX.Element {
  const { value, failure } = answer;
  if (failure !== "") {
    return (
      <p class="note failure" role="alert">
        {failure}
      </p>
    );
  }
  if (value === undefined) {
    return (
      <div class="skeleton" role="status" aria-label="Loading">
        {widths.map((width) => (
          <i key={width} style={{ width: `${width}%` }} />
        ))}
      </div>
    );
  }
  if (value.length === 0) return <p class="soft overview-empty">{empty}</p>;
  return <>{children(value)}</>;
}
