/** Colours of levels on a terminal, and what of a line may reach a terminal at all. */
import type { Labels } from "#model";

const levelNames = ["detected_level", "level", "severity", "lvl", "log.level"] as const;

/** SGR parameters; levels without one keep the terminal's own colour. */
const codeOfLevel: Readonly<Record<string, string>> = {
  trace: "2",
  debug: "2",
  warn: "33",
  error: "31",
  critical: "1;31",
  fatal: "1;31",
};

const synonyms: Readonly<Record<string, string>> = {
  warning: "warn",
  err: "error",
  crit: "critical",
  emerg: "fatal",
  emergency: "fatal",
  alert: "fatal",
  panic: "fatal",
  information: "info",
  notice: "info",
  inf: "info",
  dbg: "debug",
  trc: "trace",
};

/** One of Loki's names, `unknown` when no label tells. */
export function levelOf(labels: Labels): string {
  for (const name of levelNames) {
    const value = labels.get(name)?.toLowerCase();
    if (value !== undefined && value !== "") return synonyms[value] ?? value;
  }
  return "unknown";
}

export function paintByLevel(labels: Labels, text: string): string {
  const code = codeOfLevel[levelOf(labels)];
  return code === undefined ? text : `\u001b[${code}m${text}\u001b[0m`;
}

/** C0 without tab and newline, delete, C1. */
const controls = "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]";
const unsafe = new RegExp(controls);
const unsafeOrColour = new RegExp(`\\u001b\\[[0-9;]*m|${controls}`, "g");

/**
 * A line as a terminal may show it: colours stay, other control characters are written out, so that
 * a log cannot move the cursor, change the title or answer for the keyboard.
 */
export function terminalText(line: string): string {
  if (!unsafe.test(line)) return line;
  let hasColour = false;
  const text = line.replace(unsafeOrColour, (found) => {
    if (found.length > 1) {
      hasColour = true;
      return found;
    }
    return `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return hasColour ? `${text}\u001b[0m` : text;
}
