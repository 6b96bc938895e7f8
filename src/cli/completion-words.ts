/** Words that may stand where somebody types. Pure. */
export interface KnownOption {
  /** `-o`, where it has one. */
  readonly short: string | undefined;
  readonly long: string | undefined;
  readonly takesValue: boolean;
}

export interface KnownCommand {
  readonly name: string;
  readonly options: readonly KnownOption[];
  readonly commands: readonly KnownCommand[];
}

export interface Candidates {
  readonly words: readonly string[];
  /** Names of labels belong here, too. */
  readonly asksLabels: boolean;
}

/** Values of flags that are the same in every command that has them. */
const flagValues: Readonly<Record<string, readonly string[]>> = {
  "--output": ["default", "raw", "jsonl", "table", "chart"],
  "--format": ["jsonl", "csv", "text", "raw"],
  "--stdin-format": ["raw", "jsonl"],
  "--color": ["auto", "always", "never"],
  "--scope": ["stream", "query"],
  "--timezone": ["Local", "UTC", "Europe/Berlin"],
  "--since": ["5m", "15m", "1h", "6h", "1d", "7d"],
  "--step": ["1s", "15s", "1m", "5m", "1h"],
};

const topics = ["connection", "exit-codes", "output", "canary-flags"] as const;

/** `words` behind `skald`, the last of them not finished (and maybe empty). */
export function candidatesFor(
  words: readonly string[],
  commands: readonly KnownCommand[],
): Candidates {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const [path, first] = commandOf(before, commands);
  if (path === undefined) {
    const names = [...commands.map(({ name }) => name), "serve", "help"];
    return first === "help" ? only([...names, ...topics]) : only(names);
  }
  const previous = before.at(-1) ?? "";
  const option = path.options.find(({ short, long }) => previous === short || previous === long);
  if (option?.takesValue === true) return only(flagValues[option.long ?? ""] ?? []);
  if (typed.startsWith("-")) {
    return only(path.options.flatMap(({ long }) => (long === undefined ? [] : [long])));
  }
  return { words: path.commands.map(({ name }) => name), asksLabels: path.name === "labels" };
}

function only(words: readonly string[]): Candidates {
  return { words, asksLabels: false };
}

/** The innermost command that was named, and the first word. */
function commandOf(
  words: readonly string[],
  commands: readonly KnownCommand[],
): readonly [command: KnownCommand | undefined, first: string | undefined] {
  let found: KnownCommand | undefined;
  let inner = commands;
  for (const word of words) {
    const next = inner.find(({ name }) => name === word);
    if (next === undefined) continue;
    found = next;
    inner = next.commands;
  }
  return words[0] === "help" ? [undefined, "help"] : [found, words[0]];
}
