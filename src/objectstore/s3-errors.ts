/**
 * What S3 and the way there say, told to the caller as a StoreError and to the operator in words.
 * Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, MinIO's and Ceph's
 * where they differ. The SDK's error itself is not passed on: it carries headers with tokens.
 */
import { isStoreError, messageOf, second, StoreError, type StoreErrorKind } from "#base";
import { withoutSecrets } from "./s3-secrets.ts";
import { ThrottledError } from "./throttled-error.ts";

export interface S3Call {
  /** For texts, e.g. `GetObject`. */
  readonly operation: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly secrets: readonly string[];
}

/** A server that wants us away for longer is not believed. */
const retryAfterMsMax: number = 60 * second;

interface Failure {
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Where the server says that the bucket is. */
  readonly region: string | undefined;
  readonly hasRequestId: boolean;
}

function failureOf(error: unknown, secrets: readonly string[]): Failure {
  const fields = (typeof error === "object" && error !== null ? error : {}) as Readonly<{
    name?: unknown;
    code?: unknown;
    Code?: unknown;
    Region?: unknown;
    $metadata?: { httpStatusCode?: number; requestId?: string };
    $response?: { headers?: Record<string, string>; statusCode?: number };
  }>;
  const names = [fields.Code, fields.code, fields.name];
  const isName = (name: unknown): name is string =>
    typeof name === "string" && name !== "" && name !== "Error";
  const code = names.find(isName) ?? "error";
  const headers = fields.$response?.headers ?? {};
  const region = fields.Region ?? headers["x-amz-bucket-region"];
  return {
    code,
    status: fields.$metadata?.httpStatusCode ?? fields.$response?.statusCode,
    // The SDK adds lines of advice to programmers.
    message: withoutSecrets(messageOf(error).split("\n", 1)[0]!, secrets),
    headers,
    region: typeof region === "string" ? region : undefined,
    hasRequestId: fields.$metadata?.requestId !== undefined,
  };
}

const missingObject = new Set(["NoSuchKey", "NoSuchObject"]);
const fullCodes =
  /^(QuotaExceeded|XMinioStorageFull|XMinioAdminBucketQuotaExceeded|InsufficientStorage)$/;
const busyCode = /^(SlowDown|ServiceUnavailable$|Throttling|TooManyRequests|RequestLimitExceeded$)/;
const otherBusyCodes = new Set([
  "ProvisionedThroughputExceededException",
  "XMinioServerNotInitialized",
]);
function isBusyCode(code: string): boolean {
  return busyCode.test(code) || otherBusyCodes.has(code);
}

const expiredCodes = /^(ExpiredToken\w*|TokenRefreshRequired|InvalidToken)$/;
const regionCodes =
  /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|301)$/;
const unresolvedCodes = /^(ENOTFOUND|EAI_AGAIN)$/;
const tlsCodes = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/;

/** The credentials were good once, and newer ones may be had. */
export function isWorthFreshCredentials(error: unknown): boolean {
  const { code } = failureOf(error, []);
  return expiredCodes.test(code) || code === "InvalidAccessKeyId";
}

/** The SDK has read the server's clock from the answer; the next signature is made with it. */
export function isClockSkew(error: unknown): boolean {
  return failureOf(error, []).code === "RequestTimeTooSkewed";
}

/** The object, not the bucket, is missing. A HEAD has no body, so it says no more than 404. */
export function isMissingObject(error: unknown): boolean {
  const { code, status } = failureOf(error, []);
  return missingObject.has(code) || (status === 404 && /^(NotFound|404|UnknownError)$/.test(code));
}

export function isPastTheEnd(error: unknown): boolean {
  const { code, status } = failureOf(error, []);
  return status === 416 || code === "InvalidRange";
}

/**
 * The server does not know this request, or fails at it in its own way: s3rver answers 500 without
 * naming the request, which AWS and what is close to it always do.
 */
export function isUnknownRequest(error: unknown): boolean {
  const { code, status, hasRequestId } = failureOf(error, []);
  return code === "NotImplemented" || status === 501 || (status === 500 && !hasRequestId);
}

export function s3Failure(error: unknown, call: S3Call): StoreError {
  if (isStoreError(error)) return error;
  const failure = failureOf(error, call.secrets);
  const object = call.key === undefined ? "" : `/${call.key}`;
  const what = `s3 ${call.operation} ${call.bucket}${object}`;
  const answer = answerFailure(failure, call, what);
  if (answer !== undefined) return answer;
  return wayFailure(failure, call, what);
}

/** What a server answered. */
function answerFailure(failure: Failure, call: S3Call, what: string): StoreError | undefined {
  const { code, status, message } = failure;
  const fail = (kind: StoreErrorKind, text: string): StoreError =>
    new StoreError(kind, `${what}: ${text}`);
  if (missingObject.has(code)) return fail("missing", "no such object");
  if (fullCodes.test(code) || status === 507) return fail("full", `no room (${code}): ${message}`);
  if (isBusyCode(code) || status === 429 || status === 503) {
    const text = `${what}: S3 asks for fewer requests or is not ready (${code}): ${message}`;
    const retryAfterMs = retryAfterOf(failure);
    return retryAfterMs === undefined
      ? new StoreError("unavailable", text)
      : new ThrottledError(text, retryAfterMs);
  }
  const refusal = refusalText(failure, call);
  if (refusal !== undefined) return fail("denied", refusal);
  if (status === 404) return fail("missing", `not found (${code})`);
  if (code === "RequestTimeout" || code === "RequestTimeoutException") {
    return fail("unavailable", `S3 waited too long for the request (${code})`);
  }
  if (status !== undefined && status >= 500) {
    return fail("unavailable", `S3 failed (${status} ${code}): ${message}`);
  }
  if (status !== undefined && status >= 400) {
    return fail("denied", `S3 refuses the request (${status} ${code}): ${message}`);
  }
  return undefined;
}

/** What only an operator can mend. */
function refusalText(failure: Failure, call: S3Call): string | undefined {
  const { code, status, message } = failure;
  const key = call.accessKeyId === undefined ? "the access key" : `access key ${call.accessKeyId}`;
  if (code === "NoSuchBucket") {
    return (
      `there is no bucket ${call.bucket} (NoSuchBucket): make it, or check bucketnames, ` +
      "region and endpoint"
    );
  }
  if (code === "InvalidAccessKeyId") {
    return `S3 refused ${key} (InvalidAccessKeyId): check access_key_id and endpoint`;
  }
  if (code === "SignatureDoesNotMatch") {
    return (
      `S3 refused the signature made with ${key} (SignatureDoesNotMatch): ` +
      "check secret_access_key, and that no proxy changes requests"
    );
  }
  if (code === "RequestTimeTooSkewed") {
    return "this machine's clock differs too much from S3's (RequestTimeTooSkewed): set the clock";
  }
  if (expiredCodes.test(code)) {
    return (
      `the credentials have expired (${code}): renew the session token, or let Skald use a ` +
      "role or a web identity token file"
    );
  }
  // The answer to a HEAD has no body, but the header that names the bucket's region.
  const isElsewhere = failure.region !== undefined && failure.region !== call.region;
  if (regionCodes.test(code) || (isElsewhere && (status === 301 || status === 400))) {
    return wrongRegionText(failure, call);
  }
  if (code === "AccessDenied" || status === 403 || status === 401) {
    return (
      `S3 denies ${call.operation} on bucket ${call.bucket} to ${key} (${code}): ` +
      `check its policy${status === 403 && code === "AccessDenied" ? `: ${message}` : ""}`
    );
  }
  return undefined;
}

function wrongRegionText(failure: Failure, call: S3Call): string {
  const own = call.region ?? "none";
  if (failure.region === undefined || failure.region === call.region) {
    return (
      `bucket ${call.bucket} is not where region ${own} and the endpoint point ` +
      `(${failure.code}): ${failure.message}`
    );
  }
  return (
    `bucket ${call.bucket} is in region ${failure.region}, not ${own} (${failure.code}): ` +
    `set region: ${failure.region}`
  );
}

function retryAfterOf(failure: Failure): number | undefined {
  const seconds = Number(failure.headers["retry-after"] ?? Number.NaN);
  if (!Number.isFinite(seconds) || seconds < 0) return undefined;
  return Math.min(seconds * second, retryAfterMsMax);
}

/** No answer of S3's came back. */
function wayFailure(failure: Failure, call: S3Call, what: string): StoreError {
  const { code, message } = failure;
  const host = call.endpoint ?? `S3 of region ${call.region ?? "unknown"}`;
  const fail = (text: string): StoreError => new StoreError("unavailable", `${what}: ${text}`);
  if (/region is missing/i.test(message)) {
    const advice = "set region in the configuration, or AWS_REGION";
    return new StoreError("denied", `${what}: no region is known: ${advice}`);
  }
  if (unresolvedCodes.test(code)) {
    return fail(`the name of ${host} cannot be resolved (${code}): check endpoint and region`);
  }
  if (code === "TimeoutError" || code === "ETIMEDOUT") return fail(`${host} is silent: ${message}`);
  if (tlsCodes.test(code)) {
    return fail(`${host} is not trusted (${code}): ${message}; http_config.ca_file names its CA`);
  }
  if (/^E[A-Z]+$/.test(code)) return fail(`${host} cannot be reached (${code}): ${message}`);
  if (failure.status !== undefined) {
    return fail(`the answer of ${host} is not S3's (status ${failure.status}): ${message}`);
  }
  return fail(`${code}: ${message}`);
}
