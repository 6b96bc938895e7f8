import { MiB } from "#base";
import type { ObjectStore } from "#objectstore";

/**
 * Fetched at a time at least: several blocks' worth, so that a segment is read with few requests.
 */
const windowBytesMin: number = MiB;

/** Lines and small columns, each of fat streams and of thin ones: four places are read in step. */
const windowsMax = 4;

interface Window {
  readonly from: number;
  readonly to: number;
  readonly bytes: Promise<Buffer>;
}

/** The stored bytes of one object for a reader that goes forward in a few places at once. */
export class StoredWindows {
  getCount = 0;
  readonly #objects: ObjectStore;
  readonly #key: string;
  readonly #endBytes: number;
  #windows: Window[] = [];

  /** Nothing from `endBytes` on is fetched along. */
  constructor(objects: ObjectStore, object: { key: string; endBytes: number }) {
    this.#objects = objects;
    this.#key = object.key;
    this.#endBytes = object.endBytes;
  }

  /**
   * Bytes [from, to), fewer when the object ends before. A view; the window lives as long as it.
   */
  async get(from: number, to: number, signal: AbortSignal): Promise<Buffer> {
    let window = this.#windows.find((one) => one.from <= from && to <= one.to);
    if (window === undefined) window = this.#fetch(from, to, signal);
    const bytes = await window.bytes;
    return bytes.subarray(from - window.from, to - window.from);
  }

  #fetch(from: number, wantedTo: number, signal: AbortSignal): Window {
    const to = Math.max(wantedTo, Math.min(from + windowBytesMin, this.#endBytes));
    this.getCount++;
    const bytes = this.#objects.get(this.#key, { range: { from, to }, signal });
    // Whoever asked awaits it; this keeps a failure from being unhandled meanwhile.
    bytes.catch(() => undefined);
    const window = { from, to, bytes };
    this.#windows = [...this.#windows.slice(1 - windowsMax), window];
    return window;
  }
}
