/** Requests to others, made by the room that may open sockets. */
export interface OutgoingRequest {
  /** Without user and password; those are in the headers. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The whole answer must be there within. */
  readonly timeoutMs: number;
  readonly tls: TlsFiles | undefined;
  readonly signal: AbortSignal;
}

/** How a server's certificate is checked, and which one is shown to it. Paths are absolute. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

export interface OutgoingAnswer {
  readonly status: number;
  /** The beginning of the body, for messages. */
  readonly text: string;
  /** `Retry-After`, when it was given in seconds. */
  readonly retryAfterMs: number | undefined;
}

/** POST. Rejects when there was no answer; every status is an answer. */
export type PostHttp = (request: OutgoingRequest) => Promise<OutgoingAnswer>;

/** Is it worth to send the same again? */
export function isWorthRetrying(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

/** `Basic …`, `Bearer …` or nothing. */
export function authorization(credentials: {
  readonly username: string;
  readonly password: string;
  readonly type: string;
  readonly credentials: string;
}): Readonly<Record<string, string>> {
  if (credentials.username !== "") {
    const pair = `${credentials.username}:${credentials.password}`;
    return { Authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
  }
  if (credentials.credentials === "") return {};
  return { Authorization: `${credentials.type || "Bearer"} ${credentials.credentials}` };
}

/** A `%` that begins no escape stands for itself: who wrote the URL meant it so. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A URL without user and password, and the header that carries them instead. */
export function splitUserInfo(text: string): {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
} {
  if (!URL.canParse(text)) return { url: text, headers: {} };
  const url = new URL(text);
  if (url.username === "" && url.password === "") return { url: text, headers: {} };
  const username = decoded(url.username);
  const password = decoded(url.password);
  url.username = "";
  url.password = "";
  const headers = authorization({ username, password, type: "", credentials: "" });
  return { url: url.href, headers };
}
