// The one way to the server. Addresses are relative to the page, so a prefix needs no setting.
import { accessHeaders, wanted } from "../state/access.ts";

/** The server's answer was an error; `message` is what it said. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface AskOptions {
  readonly query?: Query;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The absolute address of a path of the API, `loki/api/v1/labels`, for links and snippets. */
export function apiUrl(path: string, query: Query = {}): string {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  url.hash = "";
  return url.href;
}

/** Asks by GET, or by POST when the question is too long for an address. Rejects with ApiError. */
export async function ask(path: string, options: AskOptions = {}): Promise<Response> {
  const url = apiUrl(path, options.query);
  const isLong = url.length > addressLengthMax;
  const { signal } = options;
  const answer = await fetch(isLong ? apiUrl(path) : url, {
    headers: { ...accessHeaders.value, ...options.headers },
    ...(signal === undefined ? {} : { signal }),
    ...(isLong ? { method: "POST", body: new URL(url).searchParams } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, "The server cannot be reached. Is it running?");
  });
  if (answer.ok) {
    wanted.value = "nothing";
    return answer;
  }
  const text = (await answer.text()).trim();
  if (answer.status === 401) wanted.value = /org id/i.test(text) ? "tenant" : "token";
  throw new ApiError(answer.status, errorText(text, answer));
}

/** Sends JSON by POST. A refusal is for the caller: it says nothing of what the server wants. */
export async function send(path: string, body: unknown): Promise<Response> {
  const answer = await fetch(apiUrl(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new ApiError(0, "The server cannot be reached. Is it running?");
  });
  if (answer.ok) return answer;
  throw new ApiError(answer.status, errorText((await answer.text()).trim(), answer));
}

/** Longer addresses are cut by some proxies. */
const addressLengthMax = 4_000;

function errorText(text: string, answer: Response): string {
  if (text.startsWith("{")) {
    try {
      const { error, message } = JSON.parse(text) as { error?: string; message?: string };
      return error ?? message ?? text;
    } catch {
      return text;
    }
  }
  return text === "" ? `${answer.status} ${answer.statusText}` : text;
}

export async function askJson<T>(path: string, options: AskOptions = {}): Promise<T> {
  const answer = await ask(path, options);
  return (await answer.json()) as T;
}

/** True for what `AbortController.abort` causes: nobody waits for that answer any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** What went wrong, in words for people. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
