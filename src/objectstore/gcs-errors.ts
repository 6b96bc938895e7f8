/**
 * What Google Cloud Storage and the way there say, told to the caller as a StoreError. Statuses and
 * reasons: https://cloud.google.com/storage/docs/json_api/v1/status-codes.
 */
import { isStoreError, messageOf, second, StoreError, type StoreErrorKind } from "#base";
import { withoutSecrets } from "./s3-secrets.ts";
import { ThrottledError } from "./throttled-error.ts";

export interface GcsCall {
  /** For texts, e.g. `get`. */
  readonly operation: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  /** For texts: where requests go. */
  readonly endpoint: string;
  readonly secrets: readonly string[];
}

/** A server that wants us away for longer is not believed. */
const retryAfterMsMax: number = 60 * second;
const accessToken = /\bya29\.[\w.-]+/g;

export function whatOf({ operation, bucket, key }: GcsCall): string {
  return `gcs ${operation} ${bucket}${key === undefined ? "" : `/${key}`}`;
}

/** Only the words of an answer, without secrets. */
function wordsOf(text: string, call: GcsCall): string {
  return withoutSecrets(text.split("\n", 1)[0]!, call.secrets).replace(accessToken, "<secret>");
}

interface ErrorWords {
  readonly message: string;
  readonly reason: string;
}

/** Errors are JSON, but those of downloads may be plain text. */
function errorWords(body: Buffer): ErrorWords {
  const text = body.toString("utf8").trim();
  try {
    const { error } = JSON.parse(text) as {
      error?: { message?: unknown; errors?: readonly { reason?: unknown }[] };
    };
    const reason = error?.errors?.[0]?.reason;
    return {
      message: typeof error?.message === "string" ? error.message : "",
      reason: typeof reason === "string" ? reason : "",
    };
  } catch {
    return { message: text, reason: "" };
  }
}

const busyReasons = /^(rateLimitExceeded|userRateLimitExceeded|backendError|slowDown)$/;
const fullReasons = /^(quotaExceeded|storageQuotaExceeded|dailyLimitExceeded)$/;

/** The StoreError of a status that is no success. */
export function gcsFailure(
  status: number,
  headers: Headers,
  body: Buffer,
  call: GcsCall,
): StoreError {
  const { message, reason } = errorWords(body);
  const words = wordsOf(message, call);
  const fail = (kind: StoreErrorKind, text: string): StoreError =>
    new StoreError(kind, `${whatOf(call)}: ${text}`);
  const code = reason === "" ? String(status) : `${status} ${reason}`;
  if (fullReasons.test(reason)) return fail("full", `no room (${code}): ${words}`);
  if (busyReasons.test(reason) || status === 429 || status === 503) {
    const text = `${whatOf(call)}: Google asks for fewer requests or is not ready (${code}): `;
    const seconds = Number(headers.get("retry-after") ?? Number.NaN);
    if (!Number.isFinite(seconds) || seconds < 0)
      return new StoreError("unavailable", text + words);
    return new ThrottledError(text + words, Math.min(seconds * second, retryAfterMsMax));
  }
  if (status === 404) {
    if (call.key !== undefined && !/bucket does not exist/i.test(message)) {
      return fail("missing", "no such object");
    }
    const advice = "make it, or check bucket_name and endpoint";
    return fail("denied", `there is no bucket ${call.bucket} (${code}): ${advice}`);
  }
  if (status === 401) {
    const advice = "check service_account, or the account of this machine or workload";
    return fail("denied", `Google refused the credentials (${code}): ${advice}: ${words}`);
  }
  if (status === 403) {
    const role = "it needs the role Storage Object User (roles/storage.objectUser)";
    return fail("denied", `Google denies ${call.operation} on ${call.bucket}: ${role}: ${words}`);
  }
  if (status === 408 || status >= 500)
    return fail("unavailable", `Google failed (${code}): ${words}`);
  return fail("denied", `Google refuses the request (${code}): ${words}`);
}

/** The fields of errors of the SDK and of its transport that are looked at. */
interface SdkError {
  readonly code?: unknown;
  readonly errors?: unknown;
  readonly config?: { readonly url?: unknown };
  readonly response?: {
    readonly status?: unknown;
    readonly headers?: unknown;
    readonly data?: unknown;
  };
}

/** The StoreError of what a request of the SDK rejected with. */
export function gcsSdkFailure(error: unknown, call: GcsCall): StoreError {
  if (isStoreError(error) || typeof error !== "object" || error === null) {
    return gcsWayFailure(error, call);
  }
  const { code, errors, config, response } = error as SdkError;
  const given = response?.headers;
  const headers = new Headers(typeof given === "object" ? (given as Record<string, string>) : {});
  // Of the transport itself, which is used for uploads, and for tokens of other hosts.
  if (config?.url !== undefined) {
    const url = config.url instanceof URL ? config.url.href : config.url;
    const isOurs = typeof url === "string" && url.startsWith(`${call.endpoint}/`);
    if (!isOurs || response === undefined) return gcsWayFailure(error, call);
    const { data } = response;
    const text = typeof data === "string" ? data : JSON.stringify(data ?? "");
    return gcsFailure(Number(response.status), headers, Buffer.from(text), call);
  }
  if (typeof code !== "number") return gcsWayFailure(error, call);
  // Downloads give the text of the answer, other requests what is in it.
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const message = (first as { message?: unknown } | undefined)?.message ?? messageOf(error);
  const body =
    first === undefined ? messageOf(error) : JSON.stringify({ error: { message, errors } });
  return gcsFailure(code, headers, Buffer.from(body), call);
}

const tlsCodes = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/;

/** The StoreError of a request that got no answer, or no credentials to be sent with. */
export function gcsWayFailure(error: unknown, call: GcsCall): StoreError {
  if (isStoreError(error)) return error;
  const { code, status, response } = (typeof error === "object" && error !== null ? error : {}) as {
    code?: unknown;
    status?: unknown;
    response?: { status?: unknown; data?: unknown };
  };
  const name = typeof code === "string" ? code : "";
  const words = wordsOf(messageOf(error), call);
  const fail = (kind: StoreErrorKind, text: string): StoreError =>
    new StoreError(kind, `${whatOf(call)}: ${text}`);
  if (/default credentials|unable to detect a project/i.test(words)) {
    const advice = "set service_account, GOOGLE_APPLICATION_CREDENTIALS, or give the machine one";
    return fail("denied", `no credentials for Google are found: ${advice}`);
  }
  const answered = Number(response?.status ?? status);
  if (answered >= 400 && answered < 500 && answered !== 408 && answered !== 429) {
    return fail("denied", `Google gives no token for these credentials (${answered}): ${words}`);
  }
  if (
    /DECODER|ERR_OSSL|PEM|asn1|private.?key|client_email|must be of type/i.test(`${name} ${words}`)
  ) {
    return fail("denied", "service_account is not the key of a service account");
  }
  if (name === "ENOENT" || /no such file/i.test(words)) {
    return fail("denied", `a file with credentials is missing: ${words}`);
  }
  if (tlsCodes.test(name)) return fail("unavailable", `${call.endpoint} is not trusted (${name})`);
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(name)) {
    return fail("unavailable", `the name of ${call.endpoint} cannot be resolved (${name})`);
  }
  if (/^E[A-Z]+$/.test(name)) {
    return fail("unavailable", `${call.endpoint} cannot be reached (${name})`);
  }
  return fail("unavailable", words);
}
