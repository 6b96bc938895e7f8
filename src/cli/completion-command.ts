import { Command } from "commander";
import { listOf, objectOf } from "./answers.ts";
import { oneOf } from "./arguments.ts";
import { addExamples, clientOf, type CommandContext } from "./command-context.ts";
import { candidatesFor, type KnownCommand } from "./completion-words.ts";
import { completionScript, shells } from "./completion-scripts.ts";

/** `commandsOf` is asked when somebody completes, by when all commands are known. */
export function completionCommand(
  context: CommandContext,
  commandsOf: () => readonly KnownCommand[],
): Command {
  const command = new Command("completion")
    .description("Print what a shell needs to complete commands, flags and labels.")
    .argument("<shell>", shells.join(", "), oneOf(...shells));
  addExamples(
    command,
    `eval "$(skald completion bash)"                  # in ~/.bashrc`,
    `skald completion zsh > "\${fpath[1]}/_skald"`,
    "skald completion fish > ~/.config/fish/completions/skald.fish",
  );
  command.action(async (shell: (typeof shells)[number]) => {
    await context.io.stdout.write(completionScript(shell));
  });
  return command.addCommand(wordsCommand(context, commandsOf), { hidden: true });
}

/** What the scripts ask: `skald completion words -- query --si`; the last word is being typed. */
function wordsCommand(context: CommandContext, commandsOf: () => readonly KnownCommand[]): Command {
  return new Command("words").argument("[word...]").action(async (words: readonly string[]) => {
    const { io } = context;
    const found = candidatesFor(words, commandsOf());
    const labels = found.asksLabels ? await labelsFrom(context) : [];
    const typed = words.at(-1) ?? "";
    const all = [...found.words, ...labels].filter((word) => word.startsWith(typed));
    await io.stdout.write(all.map((word) => `${word}\n`).join(""));
  });
}

/** A server that is away or slow must not hold up the shell. */
const labelsWithinMs = 1500;

async function labelsFrom({ io }: CommandContext): Promise<readonly string[]> {
  const late = new AbortController();
  const cancel = io.clock.schedule(labelsWithinMs, () => late.abort(new Error("too slow")));
  try {
    const interrupted = AbortSignal.any([io.interrupted, late.signal]);
    const client = await clientOf({}, { ...io, interrupted });
    const answer = await client.json("/loki/api/v1/labels", new URLSearchParams());
    return listOf(objectOf(answer, "the answer")["data"], "data").map(String);
  } catch {
    // Nothing can be said to somebody who types; there are just no words to offer.
    return [];
  } finally {
    cancel();
  }
}
