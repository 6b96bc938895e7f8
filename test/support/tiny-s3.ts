/**
 * An S3 and STS server that does what s3rver cannot: refuse signatures in S3's words, slow down,
 * fall silent, cut connections, hand out credentials for tokens. Objects are kept in memory; only
 * what the tests ask for is there. With `keys` it verifies every signature as S3 does, from what
 * came over the wire: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface TinyRequest {
  readonly method: string;
  /** As it came. */
  readonly url: string;
  /** `/bucket/key`, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface TinyAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Announce the body but send so many bytes of it, then cut the connection. */
  readonly cutAfterBytes?: number;
  /** Never answer. */
  readonly isSilent?: boolean;
}

export interface TinyS3 extends AsyncDisposable {
  readonly endpoint: string;
  /** Every request, in order. */
  readonly requests: TinyRequest[];
  readonly objects: Map<string, Buffer>;
  /** What it does before anything else; undefined: as a store does. */
  misbehave: (request: TinyRequest) => TinyAnswer | undefined;
  /** The only ones it takes; undefined: any. */
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** As S3 wants it: all but unreserved characters, upper-case hexadecimal. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What is wrong with the signature, in S3's code. */
function signatureFault(
  request: TinyRequest,
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
): string | undefined {
  const { headers } = request;
  const fields =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\S+), ?SignedHeaders=(\S+), ?Signature=(\w+)$/.exec(
      headers.authorization ?? "",
    );
  if (fields === null) return "AccessDenied";
  const [, keyId, scope, signed, signature] = fields as unknown as string[];
  if (keyId !== keys.accessKeyId) return "InvalidAccessKeyId";
  const payloadHash = createHash("sha256").update(request.body).digest("hex");
  if (headers["x-amz-content-sha256"] !== payloadHash) return "XAmzContentSHA256Mismatch";
  const [path, query = ""] = request.url.split("?") as [string, string?];
  const pairs = query === "" ? [] : query.split("&").map((pair) => pair.split("="));
  const canonical = [
    request.method,
    path.split("/").map(decodeURIComponent).map(encoded).join("/"),
    pairs
      .map(([name = "", value = ""]) =>
        [name, value].map((text) => encoded(decodeURIComponent(text))).join("="),
      )
      .sort()
      .join("&"),
    ...signed!.split(";").map((name) => `${name}:${String(headers[name]).trim()}`),
    "",
    signed,
    payloadHash,
  ].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash].join("\n");
  let key: Buffer | string = `AWS4${keys.secretAccessKey}`;
  for (const part of scope!.split("/")) key = createHmac("sha256", key).update(part).digest();
  const want = createHmac("sha256", key).update(text).digest("hex");
  return want === signature ? undefined : "SignatureDoesNotMatch";
}

export function s3Error(status: number, code: string, more: string = ""): TinyAnswer {
  const text = `<Message>The words of the server</Message>${more}`;
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code>${text}</Error>` };
}

/** The answer of AssumeRoleWithWebIdentity and AssumeRole. */
export function stsAnswer(
  operation: string,
  keys: { accessKeyId: string; secretAccessKey: string; sessionToken: string; endMs: number },
): TinyAnswer {
  const credentials =
    `<AccessKeyId>${keys.accessKeyId}</AccessKeyId>` +
    `<SecretAccessKey>${keys.secretAccessKey}</SecretAccessKey>` +
    `<SessionToken>${keys.sessionToken}</SessionToken>` +
    `<Expiration>${new Date(keys.endMs).toISOString()}</Expiration>`;
  const result = `<${operation}Result><Credentials>${credentials}</Credentials></${operation}Result>`;
  const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
  return {
    status: 200,
    headers: { "content-type": "text/xml" },
    body: `<${operation}Response xmlns="${namespace}">${result}</${operation}Response>`,
  };
}

/** `tls`: speaks https with this certificate. */
export async function startTinyS3(tls?: { cert: string; key: string }): Promise<TinyS3> {
  const objects = new Map<string, Buffer>();
  const requests: TinyRequest[] = [];
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    void readRequest(incoming).then((request) => {
      requests.push(request);
      const fault = tiny.keys && signatureFault(request, tiny.keys);
      if (fault !== undefined) return send(response, s3Error(403, fault));
      send(response, tiny.misbehave(request) ?? behave(objects, request));
    });
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const tiny: TinyS3 = {
    endpoint: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    objects,
    misbehave: () => undefined,
    keys: undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return tiny;
}

async function readRequest(incoming: IncomingMessage): Promise<TinyRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? "/", "http://tiny");
  return {
    method: incoming.method ?? "",
    url: incoming.url ?? "/",
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
}

/** ListObjectsV2, all in one page; common prefixes need no order here. */
function listOf(objects: Map<string, Buffer>, { path, query }: TinyRequest): TinyAnswer {
  const bucket = path.replace(/\/?$/, "/");
  const [prefix, delimiter] = [query.get("prefix") ?? "", query.get("delimiter") ?? ""];
  const after = query.get("start-after") ?? "";
  const items = new Set<string>();
  for (const name of [...objects.keys()].sort()) {
    const key = name.slice(bucket.length);
    if (!name.startsWith(bucket) || !key.startsWith(prefix) || key <= after) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const folder = `<Prefix>${encoded(key.slice(0, end + 1))}</Prefix>`;
    const size = `<Size>${objects.get(name)!.length}</Size>`;
    const times = "<LastModified>2026-01-01T00:00:00.000Z</LastModified>";
    items.add(
      end < 0
        ? `<Contents><Key>${encoded(key)}</Key>${times}${size}</Contents>`
        : `<CommonPrefixes>${folder}</CommonPrefixes>`,
    );
  }
  const all = `<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${[...items].join("")}`;
  return {
    status: 200,
    headers: { "content-type": "application/xml" },
    body: `<?xml version="1.0"?><ListBucketResult>${all}</ListBucketResult>`,
  };
}

function behave(objects: Map<string, Buffer>, request: TinyRequest): TinyAnswer {
  const { method, path, body, query } = request;
  if (method === "PUT") {
    objects.set(path, body);
    return { status: 200, headers: { etag: '"1"' } };
  }
  if (method === "DELETE") {
    objects.delete(path);
    return { status: 204 };
  }
  const isBucket = /^\/[^/]+\/?$/.test(path);
  if (isBucket && method === "HEAD") return { status: 200 };
  if (isBucket && query.get("list-type") === "2") return listOf(objects, request);
  const object = objects.get(path);
  if (object === undefined) return method === "HEAD" ? { status: 404 } : s3Error(404, "NoSuchKey");
  return { status: 200, body: object };
}

function send(response: ServerResponse, answer: TinyAnswer): void {
  if (answer.isSilent) return;
  const body = Buffer.from(answer.body ?? "");
  const headers = { "x-amz-request-id": "1", "content-length": String(body.length) };
  response.writeHead(answer.status, { ...headers, ...answer.headers });
  if (answer.cutAfterBytes === undefined) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, answer.cutAfterBytes), () => response.destroy());
}
