import type { ReadStream, WriteStream } from "node:tty";

/** The screen and keyboard of a whole-screen program. */
export interface TerminalPort {
  readonly columns: number;
  readonly rows: number;
  /** Keys come one by one, unechoed, on a screen of our own. Gives what puts everything back. */
  enter(on: { readonly input: (text: string) => void; readonly resize: () => void }): () => void;
  write(text: string): void;
}

/** Alternate screen, cursor hidden, no wrapping at the edge; and back. */
const enterCodes = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const leaveCodes = "\u001b[?7h\u001b[?25h\u001b[0m\u001b[?1049l";

/** Undefined when one of them is no terminal. */
export function terminalOf(stdin: ReadStream, stdout: WriteStream): TerminalPort | undefined {
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  return {
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
    write: (text) => void stdout.write(text),
    enter: ({ input, resize }) => {
      let isInside = true;
      const leave = (): void => {
        if (!isInside) return;
        isInside = false;
        process.off("exit", leave);
        stdin.off("data", input);
        stdout.off("resize", resize);
        stdin.setRawMode(false);
        stdin.pause();
        stdout.write(leaveCodes);
      };
      // A crash must not leave a terminal in which nobody sees what they type.
      process.once("exit", leave);
      stdin.setRawMode(true);
      stdin.setEncoding("utf8").on("data", input).resume();
      stdout.on("resize", resize);
      stdout.write(enterCodes);
      return leave;
    },
  };
}
