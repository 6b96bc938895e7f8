/** The SDK's client as Skald wants it. The SDK is loaded here, when a store on S3 is opened. */
import type * as S3Sdk from "@aws-sdk/client-s3";
import { minute, second } from "#base";
import { openS3Credentials, type S3Credentials } from "./s3-credentials.ts";
import type { S3HttpOptions, S3ObjectStoreOptions } from "./s3-options.ts";
import { regionOfAwsHost } from "./s3-url.ts";

/** Longer than a slow TLS handshake, shorter than anybody's patience. */
const connectTimeoutMs: number = 5 * second;
/** S3 answers in well under a second; a server that says nothing for so long is stuck. */
const stallTimeoutMs: number = minute;
/** Loki's and Go's default. */
const idleConnectionTimeoutMs: number = 90 * second;
/** For servers that are not AWS's and do not care. */
const regionElsewhere = "us-east-1";

export interface S3Connection {
  readonly sdk: typeof S3Sdk;
  readonly client: S3Sdk.S3Client;
  readonly credentials: S3Credentials;
  /** For texts: `https://s3.example:9000`, or undefined for AWS's own. */
  readonly endpoint: string | undefined;
}

export async function connectToS3(options: S3ObjectStoreOptions): Promise<S3Connection> {
  const sdk = await import("@aws-sdk/client-s3");
  const { NodeHttpHandler } = await import("@smithy/node-http-handler");
  const handlerOptions = await httpHandlerOptions(options);
  const requestHandler = new NodeHttpHandler(handlerOptions);
  const endpoint = endpointOf(options);
  const region = options.region || regionOf(endpoint);
  const credentials = await openS3Credentials(options, { region, requestHandler });
  // Marked so that the SDK does not keep what it was given beyond our own reckoning.
  const current = Object.assign(() => credentials.current(), { memoized: true });
  const config: S3Sdk.S3ClientConfig = {
    credentials: current,
    requestHandler,
    forcePathStyle: options.forcePathStyle ?? false,
    useDualstackEndpoint: options.dualStack ?? false,
    // One try: RetryingObjectStore repeats, so that all stores are repeated and counted alike.
    maxAttempts: 1,
    // Trailing checksums need aws-chunked, which few servers but AWS's know. The body is signed.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Servers that do not know `Expect` would cost a second of waiting for each put.
    expectContinueHeader: false,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(options.profile ? { profile: options.profile } : {}),
  };
  return { sdk, client: new sdk.S3Client(config), credentials, endpoint };
}

/** With a scheme; Loki's `insecure` speaks only when there is none. */
function endpointOf(options: S3ObjectStoreOptions): string | undefined {
  const { endpoint, insecure } = options;
  if (endpoint === undefined || endpoint === "") return undefined;
  if (/^https?:\/\//i.test(endpoint)) return endpoint;
  return `${insecure ? "http" : "https"}://${endpoint}`;
}

function regionOf(endpoint: string | undefined): string | undefined {
  // The environment's or the profile's; the SDK looks.
  if (endpoint === undefined) return undefined;
  const environment = process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"];
  const { host } = new URL(endpoint);
  return regionOfAwsHost(host).region ?? (environment || regionElsewhere);
}

async function httpHandlerOptions(options: S3ObjectStoreOptions): Promise<object> {
  const http: S3HttpOptions = options.http ?? {};
  const { files } = options;
  const pem = async (path: string | undefined): Promise<string | undefined> =>
    path ? (await files.read(path)).toString("utf8") : undefined;
  const [ca, cert, key] = await Promise.all(
    [http.caFile, http.certificateFile, http.keyFile].map(pem),
  );
  const agent = {
    keepAlive: true,
    // Slots bound them: the SDK takes waiting for a connection for a server that is silent.
    maxSockets: Number.POSITIVE_INFINITY,
    timeout: http.idleConnectionTimeoutMs ?? idleConnectionTimeoutMs,
  };
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(http.serverName ? { servername: http.serverName } : {}),
    ...(http.insecureSkipVerify ? { rejectUnauthorized: false } : {}),
  };
  return {
    connectionTimeout: http.connectTimeoutMs ?? connectTimeoutMs,
    requestTimeout: http.responseHeaderTimeoutMs ?? 0,
    throwOnRequestTimeout: true,
    socketTimeout: http.stallTimeoutMs ?? stallTimeoutMs,
    httpAgent: agent,
    httpsAgent: { ...agent, ...tls },
  };
}
