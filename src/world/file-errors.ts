import { StoreError, type StoreErrorKind } from "#base";

/** What each errno asks the caller to do; all others are `unavailable`. */
const kindByCode: Readonly<Record<string, StoreErrorKind>> = {
  ENOENT: "missing",
  // A part of the path, or the path itself, is not what a reader of it expects: nothing is there.
  ENOTDIR: "missing",
  EISDIR: "missing",
  ENOSPC: "full",
  EDQUOT: "full",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
};

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The StoreError for a failed call, e.g. `write /data/x: no space left on device (ENOSPC)`. */
export function fileError(operation: string, path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const kind = (code === undefined ? undefined : kindByCode[code]) ?? "unavailable";
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreError(kind, `${operation} ${path}: ${reason}`, { cause: error });
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}
