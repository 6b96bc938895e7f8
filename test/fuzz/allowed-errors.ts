/** What a decoder may throw at what it reads; everything else is a fault of ours. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isStoreError, RequestError } from "#base";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export type IsAllowed = (error: unknown) => boolean;

export const isCorrupt: IsAllowed = (error) => isStoreError(error, "corrupt");
export const isRefusal: IsAllowed = (error) => error instanceof RequestError && error.status < 500;

export const isClass =
  (...kinds: (new (...args: never[]) => Error)[]): IsAllowed =>
  (error) =>
    kinds.some((kind) => error instanceof kind);

/** Gives what the task gives, undefined when it refused in its way. */
export function mayThrow<T>(isAllowed: IsAllowed, task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    if (!isAllowed(error)) throw error;
    return undefined;
  }
}

export async function mayReject<T>(
  isAllowed: IsAllowed,
  task: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    if (!isAllowed(error)) throw error;
    return undefined;
  }
}

/** Seeds: a file of the repository, texts, bytes as hexadecimal digits. */
export const fileOf = (path: string): Buffer => readFileSync(join(root, path));
export const texts = (...all: readonly string[]): Buffer[] => all.map((text) => Buffer.from(text));

export function smallest(pattern: string): Buffer {
  return globSync(pattern, { cwd: root })
    .map(fileOf)
    .sort((a, b) => a.length - b.length)[0]!;
}
