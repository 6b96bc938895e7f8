/** Colours of a terminal, where one is looked at and NO_COLOR is not set. */
import type { CliIo, TextSink } from "./cli-io.ts";

export type Paint = (colour: "red" | "green" | "yellow" | "cyan" | "bold", text: string) => string;

const codes = { red: 31, green: 32, yellow: 33, cyan: 36, bold: 1 } as const;

export function paintFor(sink: TextSink, io: CliIo, options: { isOff?: boolean } = {}): Paint {
  const isOn = sink.isTerminal && (io.env["NO_COLOR"] ?? "") === "" && options.isOff !== true;
  return (colour, text) => (isOn ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text);
}

/** A unified diff: what goes is red, what comes green. */
export function paintPatch(patch: string, paint: Paint): string {
  const lines = patch.split("\n").map((line) => {
    if (line.startsWith("---") || line.startsWith("+++")) return paint("bold", line);
    if (line.startsWith("@@")) return paint("cyan", line);
    if (line.startsWith("-")) return paint("red", line);
    return line.startsWith("+") ? paint("green", line) : line;
  });
  return lines.join("\n");
}
