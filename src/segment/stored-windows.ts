import { giveBack, KiB, MiB } from "#base";
import type { ObjectStore } from "#objectstore";

/**
 * Fetched at a time at least: several blocks' worth, so that a segment is read with few requests.
 */
export const windowBytesDefault: number = MiB;

/** About one block: below it every block would be a request of its own. */
const windowBytesMin: number = 256 * KiB;

/** Lines and small columns, each of fat streams and of thin ones: four places are read in step. */
const windowsMax = 4;

/** How much to fetch at a time where so many objects are read in step, within `bytesMax` together. */
export function windowBytesOf(objectCount: number, bytesMax: number): number {
  const share = Math.floor(bytesMax / (windowsMax * Math.max(1, objectCount)));
  return Math.min(windowBytesDefault, Math.max(windowBytesMin, share));
}

interface Window {
  readonly from: number;
  readonly to: number;
  readonly bytes: Promise<Buffer>;
  loaded: Buffer | undefined;
  users: number;
  isPassed: boolean;
}

/**
 * The stored bytes of one object for a reader that goes forward in a few places at once. Memory of a window
 * is given back when its last user is done with it and the reader has passed it.
 */
export class StoredWindows {
  getCount = 0;
  readonly #objects: ObjectStore;
  readonly #key: string;
  readonly #endBytes: number;
  readonly #windowBytes: number;
  #windows: Window[] = [];

  /** Nothing from `endBytes` on is fetched along. */
  constructor(
    objects: ObjectStore,
    object: { key: string; endBytes: number; windowBytes?: number | undefined },
  ) {
    this.#objects = objects;
    this.#key = object.key;
    this.#endBytes = object.endBytes;
    this.#windowBytes = object.windowBytes ?? windowBytesDefault;
  }

  /**
   * Gives bytes [from, to) to `task`, fewer when the object ends before. They are a view of memory
   * that is somebody else's once the task has resolved.
   */
  async use<T>(
    { from, to }: { readonly from: number; readonly to: number },
    signal: AbortSignal,
    task: (bytes: Buffer) => Promise<T>,
  ): Promise<T> {
    const known = this.#windows.find((one) => one.from <= from && to <= one.to);
    const window = known ?? this.#fetch(from, to, signal);
    window.users++;
    try {
      const bytes = (window.loaded = await window.bytes.catch((error: unknown) => {
        this.#pass(window);
        throw error;
      }));
      return await task(bytes.subarray(from - window.from, to - window.from));
    } finally {
      window.users--;
      if (to === window.to) this.#pass(window);
      giveWindowBack(window);
    }
  }

  #fetch(from: number, wantedTo: number, signal: AbortSignal): Window {
    const to = Math.max(wantedTo, Math.min(from + this.#windowBytes, this.#endBytes));
    this.getCount++;
    const bytes = this.#objects.get(this.#key, { range: { from, to }, signal, isOwn: true });
    // Whoever asked awaits it; this keeps a failure from being unhandled meanwhile.
    bytes.catch(() => undefined);
    const window: Window = { from, to, bytes, loaded: undefined, users: 0, isPassed: false };
    // One that begins before and ends inside is read to its end, but for the piece that is fetched again.
    const passed = this.#windows.filter((one) => one.from <= from && from <= one.to);
    for (const one of passed) this.#pass(one);
    while (this.#windows.length >= windowsMax) this.#pass(this.#windows[0]!);
    this.#windows.push(window);
    return window;
  }

  /** The reader is past all of them. */
  close(): void {
    for (const window of this.#windows) this.#pass(window);
  }

  #pass(window: Window): void {
    window.isPassed = true;
    this.#windows = this.#windows.filter((one) => one !== window);
    giveWindowBack(window);
  }
}

/** Whoever fetched it is its user until it has come. */
function giveWindowBack({ loaded, users, isPassed }: Window): void {
  if (isPassed && users === 0 && loaded !== undefined) giveBack(loaded);
}
