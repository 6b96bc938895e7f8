/** Bytes of a file or pipe → lines, without a copy where a line lies inside one read. */
import { MiB } from "#base";
import { CliError } from "./cli-error.ts";

/** Servers refuse or cut far shorter ones; a longer one is not a log. */
export const lineBytesMax: number = 16 * MiB;

const newline = 10;

export class LineSplitter {
  readonly #source: string;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #lineCount = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Lines so far; the number of the line that `onLine` is given, from 1. */
  get lineCount(): number {
    return this.#lineCount;
  }

  /** Calls `onLine` for every line that ends in `chunk`; its bytes are valid during the call. */
  take(chunk: Buffer, onLine: (bytes: Buffer, from: number, to: number) => void): void {
    let from = 0;
    for (;;) {
      const to = chunk.indexOf(newline, from);
      if (to < 0) break;
      if (this.#restBytes > 0) {
        this.#keep(chunk.subarray(from, to));
        this.finish(onLine);
      } else {
        this.#lineCount++;
        onLine(chunk, from, to);
      }
      from = to + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** The last line, when it does not end with a newline. */
  finish(onLine: (bytes: Buffer, from: number, to: number) => void): void {
    if (this.#restBytes === 0) return;
    const line = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    this.#lineCount++;
    onLine(line, 0, line.length);
  }

  #keep(part: Buffer): void {
    this.#rest.push(part);
    this.#restBytes += part.length;
    if (this.#restBytes <= lineBytesMax) return;
    const line = this.#lineCount + 1;
    throw new CliError(`${this.#source}: line ${line} is longer than ${lineBytesMax / MiB} MiB`);
  }
}
