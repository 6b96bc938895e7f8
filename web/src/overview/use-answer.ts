import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isAbort, reasonOf } from "../api/client.ts";

export interface Answer<T> {
  /** Of the last time it was asked; undefined while it is awaited for the first time. */
  readonly value: T | undefined;
  readonly failure: string;
  readonly isAsking: boolean;
}

/** Asks when `key` changes; an answer that nobody waits for any more is dropped. */
export function useAnswer<T>(key: string, asks: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const state = useSignal<Answer<T>>({ value: undefined, failure: "", isAsking: true });
  useEffect(() => {
    const gone = new AbortController();
    state.value = { ...state.peek(), isAsking: true };
    asks(gone.signal).then(
      (value) => {
        if (!gone.signal.aborted) state.value = { value, failure: "", isAsking: false };
      },
      (error: unknown) => {
        if (gone.signal.aborted || isAbort(error)) return;
        state.value = { value: undefined, failure: reasonOf(error), isAsking: false };
      },
    );
    return () => gone.abort();
  }, [key]);
  return state.value;
}
