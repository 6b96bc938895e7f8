import { StoreError } from "#base";

/** Where bytes lie: object and offset in it. */
export interface Place {
  readonly key: string;
  readonly offset: number;
}

/** StoreError `corrupt`: `<key> at byte <offset>: <what>`. */
export function corrupt(place: Place, what: string, cause?: unknown): StoreError {
  const options = cause === undefined ? undefined : { cause };
  return new StoreError("corrupt", `${place.key} at byte ${place.offset}: ${what}`, options);
}

export function checksumText(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
