/**
 * Resolves once what else waits for the event loop has had its turn. Long work on this thread
 * awaits it every few milliseconds, so that requests go on meanwhile.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
