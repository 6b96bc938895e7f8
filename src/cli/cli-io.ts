import type { Writable } from "node:stream";
import { messageOf } from "#base";
import {
  type Clock,
  type Files,
  type Random,
  systemClock,
  systemFiles,
  systemRandom,
} from "#world";
import { CliError, Interrupted, OutputClosed } from "./cli-error.ts";
import { terminalOf, type TerminalPort } from "./terminal-port.ts";

/** What a command line touches of the world. */
export interface CliIo {
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  /** IANA name of the zone that `--timezone=Local` means. */
  readonly localZone: string;
  /** For relative file names; absolute. */
  readonly folder: string;
  /** Missing where standard input or output is none. */
  readonly terminal?: TerminalPort | undefined;
  /** Aborted by Ctrl-C and SIGTERM, with `Interrupted` as its reason. */
  readonly interrupted: AbortSignal;
}

type TextStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What terminals have had since punched cards. */
const columnsDefault = 80;

/** Text for a terminal, a file or a pipe. A write resolves when the stream took it. */
export class TextSink {
  readonly isTerminal: boolean;
  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true;
    // Failures are heard through the callback of each write; unheard, they would end the process.
    stream.on("error", () => undefined);
  }

  /** Of the terminal now; 80 where there is none. */
  get columns(): number {
    return this.#stream.columns ?? columnsDefault;
  }

  /** Rejects with OutputClosed when the reader is gone. */
  write(text: string): Promise<void> {
    if (text === "") return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === null || error === undefined) resolve();
        else if (isClosedPipe(error)) reject(new OutputClosed());
        else reject(new CliError(`cannot write the output: ${messageOf(error)}`));
      });
    });
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }
}

function isClosedPipe(error: Error & { code?: string }): boolean {
  return error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED";
}

/**
 * The process' own streams, environment and clock. The first Ctrl-C (or SIGTERM) asks the command
 * to end; a second one ends the process.
 */
export function systemIo(): CliIo {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interrupt.abort(new Interrupted()));
  }
  return {
    stdin: process.stdin,
    stdout: new TextSink(process.stdout),
    stderr: new TextSink(process.stderr),
    env: process.env,
    clock: systemClock,
    random: systemRandom,
    files: systemFiles,
    // Asked for by few; the tables of zones take some MiB.
    get localZone() {
      return new Intl.DateTimeFormat().resolvedOptions().timeZone;
    },
    folder: process.cwd(),
    terminal: terminalOf(process.stdin, process.stdout),
    interrupted: interrupt.signal,
  };
}
