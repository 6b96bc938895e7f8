import type { ConfigProblem } from "./config-error.ts";

/**
 * `-config.expand-env`: replaces `${NAME}` by the environment's value before the YAML is read, an
 * undefined one by nothing. `${NAME:-text}`, `${NAME:text}`, `${NAME-text}`, `${NAME:=text}` and
 * `${NAME=text}` use the text when NAME is undefined or empty; `${NAME:?text}` is an error then.
 * `$$` is one dollar; other dollars stay (regular expressions have them).
 */
export interface Expanded {
  readonly text: string;
  readonly problems: readonly ConfigProblem[];
}

const reference = /\$\$|\$\{([^}]*)\}/g;
const inside = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:(:\?|:-|:=|:|-|=)([\s\S]*))?$/;

export function expandEnvironment(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  source: string,
): Expanded {
  const problems: ConfigProblem[] = [];
  const problemAt = (offset: number, message: string): void => {
    const before = text.slice(0, offset);
    const line = before.split("\n").length;
    const column = offset - (before.lastIndexOf("\n") + 1) + 1;
    problems.push({ source, line, column, key: "", message });
  };
  const expanded = text.replace(reference, (whole, body: string | undefined, offset: number) => {
    if (whole === "$$") return "$";
    const found = inside.exec(body ?? "");
    if (found === null) {
      problemAt(offset, `cannot expand ${whole}: expected \${NAME} or \${NAME:-text}`);
      return "";
    }
    const [, name = "", operator, otherwise = ""] = found;
    const value = env[name] ?? "";
    if (value !== "" || operator === undefined) return value;
    if (operator === ":?") {
      problemAt(offset, `${name} is not set: ${otherwise}`);
      return "";
    }
    return otherwise;
  });
  return { text: expanded, problems };
}
