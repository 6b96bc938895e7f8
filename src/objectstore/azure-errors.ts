/**
 * What Azure and the way there say, told to the caller as a StoreError. Codes:
 * https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes. The SDK's error
 * itself is not passed on: it carries URLs with signatures.
 */
import { isStoreError, messageOf, second, StoreError, type StoreErrorKind } from "#base";
import { withoutSecrets } from "./s3-secrets.ts";
import { ThrottledError } from "./throttled-error.ts";

export interface AzureCall {
  /** For texts, e.g. `get`. */
  readonly operation: string;
  readonly container: string;
  readonly key?: string | undefined;
  /** For texts: where requests go. */
  readonly endpoint: string;
  readonly secrets: readonly string[];
}

/** A server that wants us away for longer is not believed. */
const retryAfterMsMax: number = 60 * second;
const signature = /\bsig=[^&\s"']+/g;

interface Failure {
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
  readonly retryAfter: string | undefined;
}

function failureOf(error: unknown, secrets: readonly string[]): Failure {
  const fields = (typeof error === "object" && error !== null ? error : {}) as Readonly<{
    name?: unknown;
    code?: unknown;
    statusCode?: unknown;
    details?: { errorCode?: unknown; code?: unknown };
    response?: { headers?: { get?(name: string): string | undefined } };
  }>;
  const headers = fields.response?.headers;
  const header = (name: string): string | undefined => headers?.get?.(name);
  const names = [
    fields.details?.errorCode,
    header("x-ms-error-code"),
    fields.details?.code,
    fields.code,
    fields.name,
  ];
  const code = names.find((name) => typeof name === "string" && name !== "" && name !== "Error");
  const words = messageOf(error).trim().split("\n", 1)[0]!;
  return {
    code: typeof code === "string" ? code : "error",
    status: typeof fields.statusCode === "number" ? fields.statusCode : undefined,
    message: withoutSecrets(words, secrets).replace(signature, "sig=<secret>"),
    retryAfter: header("retry-after"),
  };
}

/** A HEAD has no body, so it may say no more than 404. */
export function isMissingBlob(error: unknown): boolean {
  const { code, status } = failureOf(error, []);
  if (code === "BlobNotFound" || code === "ResourceNotFound") return true;
  return status === 404 && !code.startsWith("Container");
}

export function isPastTheEnd(error: unknown): boolean {
  const { code, status } = failureOf(error, []);
  return status === 416 || code === "InvalidRange";
}

const busyCodes = /^(ServerBusy|TooManyRequests|OperationTimedOut|InternalError)$/;
/** Names that errors of Azure's libraries for credentials begin with. */
const tokenErrors = /^(Authentication(Required|Error)|CredentialUnavailable|AggregateAuth)/;

export function azureFailure(error: unknown, call: AzureCall): StoreError {
  if (isStoreError(error)) return error;
  const failure = failureOf(error, call.secrets);
  const { code, status, message } = failure;
  const object = call.key === undefined ? "" : `/${call.key}`;
  const what = `azure ${call.operation} ${call.container}${object}`;
  const fail = (kind: StoreErrorKind, text: string): StoreError =>
    new StoreError(kind, `${what}: ${text}`);
  if (/^Container(NotFound|BeingDeleted|Disabled)$/.test(code)) {
    const advice = "make it, or check container_name";
    return fail("denied", `there is no container ${call.container} (${code}): ${advice}`);
  }
  if (code === "BlobNotFound" || (status === 404 && call.key !== undefined)) {
    return fail("missing", "no such object");
  }
  if (busyCodes.test(code) || status === 429 || status === 503) {
    const text = `${what}: Azure asks for fewer requests or is not ready (${code}): ${message}`;
    const seconds = Number(failure.retryAfter ?? Number.NaN);
    if (!Number.isFinite(seconds) || seconds < 0) return new StoreError("unavailable", text);
    return new ThrottledError(text, Math.min(seconds * second, retryAfterMsMax));
  }
  if (tokenErrors.test(code)) return tokenFailure(failure, fail);
  if (status === 507 || code === "InsufficientStorage") return fail("full", `no room (${code})`);
  if (status === undefined) return wayFailure(failure, call, fail);
  if (status === 401 || code === "AuthenticationFailed" || code === "InvalidAuthenticationInfo") {
    const advice = "check account_name and account_key or the other credentials, and the clock";
    return fail("denied", `Azure refused the credentials (${code}): ${advice}`);
  }
  if (status === 403) {
    const role = "it needs the role Storage Blob Data Contributor, and to be let through";
    return fail("denied", `Azure denies ${call.operation} (${code}): ${role} the firewall`);
  }
  if (status >= 500 || status === 408) {
    return fail("unavailable", `Azure failed (${status} ${code}): ${message}`);
  }
  return fail("denied", `Azure refuses the request (${status} ${code}): ${message}`);
}

type Fail = (kind: StoreErrorKind, text: string) => StoreError;

/** Azure AD gave no token, or nobody was there to ask for one. */
function tokenFailure({ code, status, message }: Failure, fail: Fail): StoreError {
  const isSure = (status !== undefined && status >= 400 && status < 500) || /AADSTS/.test(message);
  if (isSure) return fail("denied", `Azure AD gives no token: ${message}`);
  const isLost = /ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN|network/i.test(message);
  if (isLost) return fail("unavailable", `Azure AD cannot be asked (${code}): ${message}`);
  return fail("denied", `no credentials for Azure are found (${code}): ${message}`);
}

/** No answer of Azure's came back. */
function wayFailure({ code, message }: Failure, call: AzureCall, fail: Fail): StoreError {
  const { endpoint } = call;
  if (/ENOTFOUND|EAI_AGAIN/.test(`${code} ${message}`)) {
    const advice = "check account_name and endpoint_suffix";
    return fail("unavailable", `the name of ${endpoint} cannot be resolved: ${advice}`);
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    return fail("unavailable", `${endpoint} is not trusted (${code}): ${message}`);
  }
  const refused = /\bE[A-Z]{4,}\b/.exec(`${code} ${message}`)?.[0];
  if (refused !== undefined)
    return fail("unavailable", `${endpoint} cannot be reached (${refused})`);
  return fail("unavailable", `${code}: ${message}`);
}
