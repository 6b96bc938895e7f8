/** A command line without a process: text in, text out, a clock that does not wait long. */
import { Writable } from "node:stream";
import { type Files, seededRandom, SimulatedDisk, systemClock } from "#world";
import { type CliIo, TextSink } from "./cli-io.ts";
import { runCli } from "./run-cli.ts";

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was slept for, in order. */
  readonly sleptMs: readonly number[];
}

export interface CliRunOptions {
  readonly stdin?: readonly (string | Buffer)[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Files;
  readonly interrupted?: AbortSignal;
  readonly folder?: string;
  /** Standard output fails with this code from its first write on. */
  readonly brokenOutput?: string;
  readonly onOutput?: (text: string) => void;
  readonly isTerminal?: boolean;
}

/** 2024-05-01T12:00:00Z. */
export const testNowNs = 1_714_564_800_000_000_000n;

export async function cli(argv: readonly string[], options: CliRunOptions = {}): Promise<CliRun> {
  const [out, err] = [new CollectedText(options), new CollectedText({})];
  const sleptMs: number[] = [];
  const io: CliIo = {
    stdin: linesOf(options.stdin ?? []),
    stdout: new TextSink(out),
    stderr: new TextSink(err),
    env: options.env ?? {},
    clock: {
      ...systemClock,
      nowNs: () => testNowNs,
      nowMs: () => Number(testNowNs / 1_000_000n),
      sleep: async (delayMs, signal) => {
        sleptMs.push(delayMs);
        await systemClock.sleep(1, signal);
      },
    },
    random: seededRandom(1),
    files: options.files ?? new SimulatedDisk(),
    localZone: "Europe/Berlin",
    folder: options.folder ?? "/home",
    interrupted: options.interrupted ?? new AbortController().signal,
  };
  const code = await runCli(argv, io);
  return { code, out: out.text, err: err.text, sleptMs };
}

async function* linesOf(
  chunks: readonly (string | Buffer)[],
): AsyncGenerator<Buffer, void, undefined> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

class CollectedText extends Writable {
  text = "";
  readonly isTTY: boolean;
  readonly #options: CliRunOptions;

  constructor(options: CliRunOptions) {
    super();
    this.#options = options;
    this.isTTY = options.isTerminal === true;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    const { brokenOutput, onOutput } = this.#options;
    if (brokenOutput !== undefined) {
      done(Object.assign(new Error(`write ${brokenOutput}`), { code: brokenOutput }));
      return;
    }
    this.text += chunk.toString("utf8");
    onOutput?.(this.text);
    done();
  }
}
