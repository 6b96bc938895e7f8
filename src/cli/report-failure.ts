/** A failure as a person reads it: what happened, where in the query, and what to do. */
import { isStoreError, messageOf, RequestError } from "#base";
import { CliError, exitFailed, exitInterrupted, exitOk, Interrupted } from "./cli-error.ts";
import { OutputClosed } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { RequestFailure } from "./http-client.ts";

/** Prints what was thrown to stderr and gives the exit code. Rethrows what is our own bug. */
export async function reportFailure(error: unknown, io: CliIo): Promise<number> {
  // A pipe whose reader left had enough: `skald query … | head` is a success.
  if (error instanceof OutputClosed) return exitOk;
  if (error instanceof Interrupted) return exitInterrupted;
  const { message, hints, exitCode } = explain(error);
  const paint = colours(io);
  await io.stderr.line(`${paint.red("error:")} ${message}`);
  for (const hint of hints) await io.stderr.line(`  ${hint}`);
  return exitCode;
}

function colours(io: CliIo): { red: (text: string) => string } {
  const isOn = io.stderr.isTerminal && (io.env["NO_COLOR"] ?? "") === "";
  return { red: (text) => (isOn ? `\u001b[31m${text}\u001b[0m` : text) };
}

interface Explained {
  readonly message: string;
  readonly hints: readonly string[];
  readonly exitCode: number;
}

function explain(error: unknown): Explained {
  if (error instanceof CliError) return error;
  if (error instanceof RequestFailure) {
    return { ...explainRequest(error), exitCode: exitFailed };
  }
  if (error instanceof RequestError || isStoreError(error)) {
    return { message: messageOf(error), hints: [], exitCode: exitFailed };
  }
  throw error;
}

function explainRequest(failure: RequestFailure): Omit<Explained, "exitCode"> {
  if (failure.status === 0) return explainSilence(failure);
  const url = new URL(failure.url);
  const message = `${failure.status} from ${url.origin}${url.pathname}: ${failure.message}`;
  const query = url.searchParams.get("query");
  const pointer = query === null ? undefined : underline(query, failure.message);
  if (pointer !== undefined) return { message: failure.message, hints: pointer };
  return { message, hints: hintsOfStatus(failure) };
}

function hintsOfStatus({ status, message }: RequestFailure): string[] {
  switch (status) {
    case 401:
      return /no org id/.test(message)
        ? ["The server wants a tenant: set it with --org-id (LOKI_ORG_ID)."]
        : ["Give credentials: --username and --password, or --bearer-token."];
    case 403:
      return ["These credentials or this tenant may not do that."];
    case 404:
      return ["The server does not know this path. Is --addr (LOKI_ADDR) a Skald or Loki server?"];
    case 429:
      return ["The tenant is over a limit. Ask for less, wait, or retry with --retries=5."];
    case 502:
    case 503:
    case 504:
      return ["The server is not ready or too busy. Retry with --retries=5."];
    default:
      return [];
  }
}

function explainSilence(failure: RequestFailure): Omit<Explained, "exitCode"> {
  const { origin } = new URL(failure.url);
  const message = `cannot reach ${origin}: ${failure.message.trim().split("\n")[0]}`;
  const { code } = failure;
  if (code === "ECONNREFUSED") {
    return {
      message,
      hints: ["Is it running? Start it with 'skald serve', or set --addr (LOKI_ADDR)."],
    };
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return { message, hints: ["There is no such host name. Set --addr (LOKI_ADDR)."] };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|HOSTNAME|ALTNAME/.test(code)) {
    const skip = "--tls-skip-verify to accept any";
    return { message, hints: [`Name the signing authority with --ca-cert, or use ${skip}.`] };
  }
  if (/EPROTO|WRONG_VERSION|SSL/.test(`${code} ${failure.message}`)) {
    return { message, hints: ["Does the server speak TLS? Check http:// and https:// in --addr."] };
  }
  return { message, hints: [] };
}

/** The line of the query that a parse error names, with a mark below the column. */
export function underline(query: string, message: string): string[] | undefined {
  const place = /line (\d+), col (\d+)/.exec(message);
  if (place === null) return undefined;
  const line = query.split("\n")[Number(place[1]) - 1];
  const column = Number(place[2]) - 1;
  if (line === undefined || column < 0) return undefined;
  const characters = Array.from(line);
  // Tabs stay tabs, so that the mark stands where the terminal shows the character.
  const before = characters.slice(0, column).map((one) => (one === "\t" ? "\t" : " "));
  const pad = " ".repeat(Math.max(0, Math.min(1, column - characters.length)));
  return [line, `${before.join("")}${pad}^`];
}
