/**
 * A small server of Google Cloud Storage's JSON API for tests, made from its documentation: there
 * is no emulator in npm or Debian. It is strict where Google is (names, ranges, upload offsets and
 * units, tokens) and answers 400 to what it does not know, so that nothing is taken by chance; it
 * proves that the store keeps to the documentation as we read it, not that Google does.
 * It is the metadata server that hands out tokens, too.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface TinyGcsAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The connection is cut after the body, short of its length. */
  readonly isCut?: boolean;
}

export interface StoredObject {
  readonly body: Buffer;
  readonly updated: string;
}

export interface Upload {
  readonly name: string;
  readonly sizeBytes: number;
  readonly parts: Buffer[];
}

const unitBytes = 256 * 1024;

export class TinyGcs implements AsyncDisposable {
  readonly objects: Map<string, StoredObject> = new Map();
  readonly uploads: Map<string, Upload> = new Map();
  /** Method and path of every request to the API. */
  readonly requests: string[] = [];
  readonly bucket: string;
  /** Answers in its place; hangs for "hang". */
  misbehave: (request: IncomingMessage) => TinyGcsAnswer | "hang" | undefined = () => undefined;
  /** Undefined: nobody must have a token. */
  token: string | undefined;
  /** How many tokens were handed out. */
  tokensGiven = 0;
  /** Takes so many bytes of a part at most, as Google may. */
  takesBytesMax: number = Number.POSITIVE_INFINITY;
  pageKeysMax = 1000;
  #uploadCount = 0;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(bucket: string) {
    this.bucket = bucket;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get endpoint(): string {
    return `http://${this.host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", this.endpoint);
    const answer = url.pathname.startsWith("/computeMetadata/")
      ? this.#metadata(request, url)
      : (this.misbehave(request) ?? this.#answer(request, url, Buffer.concat(chunks)));
    if (answer === "hang") return;
    const body = Buffer.from(answer.body ?? "");
    const lengthBytes = answer.isCut ? body.length + 10 : body.length;
    const isEmpty = answer.status === 204;
    const headers = { ...(isEmpty ? {} : { "content-length": lengthBytes }), ...answer.headers };
    response.writeHead(answer.status, headers);
    if (answer.isCut) response.write(body, () => response.destroy());
    else response.end(isEmpty ? undefined : body);
  }

  #metadata(request: IncomingMessage, url: URL): TinyGcsAnswer {
    const headers = { "metadata-flavor": "Google", "content-type": "application/json" };
    if (request.headers["metadata-flavor"] !== "Google") return refusal(403, "no flavor");
    if (!url.pathname.endsWith("/token")) {
      const text = url.pathname.endsWith("universe-domain") ? "googleapis.com" : "{}";
      return { status: 200, headers: { ...headers, "content-type": "text/plain" }, body: text };
    }
    this.tokensGiven++;
    const token = { access_token: this.token, expires_in: 3600, token_type: "Bearer" };
    return { status: 200, headers, body: JSON.stringify(token) };
  }

  #answer(request: IncomingMessage, url: URL, body: Buffer): TinyGcsAnswer {
    const { method = "" } = request;
    this.requests.push(`${method} ${url.pathname}${url.search}`);
    const { token } = this;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return refusal(401, "Invalid Credentials", "authError");
    }
    // The path is taken apart before it is decoded: a name is one part of it.
    const path = /^(\/upload)?\/storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname);
    if (path === null) return refusal(400, `unknown path ${url.pathname}`);
    if (path[2] !== this.bucket) return refusal(404, "The specified bucket does not exist.");
    const name = path[3] === undefined ? undefined : decodeURIComponent(path[3]);
    if (path[1] !== undefined) return this.#upload(request, url, body);
    if (method === "GET" && name === undefined) return this.#list(url);
    if (name === undefined) return refusal(400, "no name");
    const object = this.objects.get(name);
    if (object === undefined) return refusal(404, `No such object: ${this.bucket}/${name}`);
    if (method === "DELETE") {
      this.objects.delete(name);
      return { status: 204 };
    }
    if (method !== "GET") return refusal(400, `unknown method ${method}`);
    if (url.searchParams.get("alt") === "media") return media(request, object.body);
    return json({ name, size: String(object.body.length), updated: object.updated });
  }

  #list(url: URL): TinyGcsAnswer {
    const query = Object.fromEntries(url.searchParams);
    const known = /^(prefix|maxResults|fields|startOffset|delimiter|pageToken)$/;
    for (const name of Object.keys(query)) {
      if (!known.test(name)) return refusal(400, `unknown parameter ${name}`);
    }
    const { prefix = "", startOffset = "", delimiter, pageToken = "" } = query;
    const from = Buffer.from(pageToken, "base64").toString();
    const pageMax = Math.min(this.pageKeysMax, Number(query["maxResults"] ?? 1000));
    const items: object[] = [];
    const prefixes = new Set<string>();
    let nextPageToken: string | undefined;
    for (const name of [...this.objects.keys()].sort()) {
      if (!name.startsWith(prefix) || name < startOffset || name < from) continue;
      if (items.length + prefixes.size >= pageMax) {
        nextPageToken = Buffer.from(name).toString("base64");
        break;
      }
      const { body, updated } = this.objects.get(name)!;
      const cut = delimiter === undefined ? -1 : name.indexOf(delimiter, prefix.length);
      if (cut >= 0) prefixes.add(name.slice(0, cut + 1));
      else items.push({ name, size: String(body.length), updated });
    }
    return json({
      ...(items.length > 0 ? { items } : {}),
      ...(prefixes.size > 0 ? { prefixes: [...prefixes] } : {}),
      nextPageToken,
    });
  }

  #upload(request: IncomingMessage, url: URL, body: Buffer): TinyGcsAnswer {
    const name = url.searchParams.get("name");
    const type = url.searchParams.get("uploadType");
    const id = url.searchParams.get("upload_id");
    if (id !== null) return this.#part(request, id, body);
    if (name === null || name === "" || request.method !== "POST") return refusal(400, "no name");
    if (type === "media") {
      if (Number(request.headers["content-length"]) !== body.length) return refusal(411, "length");
      this.#keep(name, body);
      return json({ size: String(body.length) });
    }
    if (type === "multipart") {
      const content = multipartContent(request, body);
      if (content === undefined) return refusal(400, "not two parts");
      this.#keep(name, content);
      return json({ name, size: String(content.length) });
    }
    if (type !== "resumable") return refusal(400, `unknown uploadType ${type}`);
    const sizeBytes = Number(request.headers["x-upload-content-length"]);
    const fresh = `u${this.#uploadCount++}`;
    this.uploads.set(fresh, { name, sizeBytes, parts: [] });
    // Another host's name: it must not be followed with a token.
    const location = `http://uploads.invalid${url.pathname}?uploadType=resumable&upload_id=${fresh}`;
    return { status: 200, headers: { location } };
  }

  #part(request: IncomingMessage, id: string, body: Buffer): TinyGcsAnswer {
    const upload = this.uploads.get(id);
    if (upload === undefined) return refusal(404, "no such upload");
    if (request.method === "DELETE") {
      this.uploads.delete(id);
      return { status: 499 };
    }
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(request.headers["content-range"] ?? "");
    if (range === null || request.method !== "PUT") return refusal(400, "no range");
    const [from, last, sizeBytes] = range.slice(1).map(Number) as [number, number, number];
    const have = upload.parts.reduce((sum, part) => sum + part.length, 0);
    const isLast = last + 1 === sizeBytes;
    const isFit =
      from === have && last - from + 1 === body.length && sizeBytes === upload.sizeBytes;
    if (!isFit) return refusal(400, `bytes ${from}-${last} of ${sizeBytes}, expected ${have}`);
    if (!isLast && body.length % unitBytes !== 0) return refusal(400, "not a multiple of 256 KiB");
    const taken = body.subarray(0, this.takesBytesMax);
    upload.parts.push(taken);
    const haveNow = have + taken.length;
    if (haveNow === sizeBytes) {
      this.#keep(upload.name, Buffer.concat(upload.parts));
      this.uploads.delete(id);
      return json({ name: upload.name });
    }
    return { status: 308, headers: { range: `bytes=0-${haveNow - 1}` } };
  }

  #keep(name: string, body: Buffer): void {
    const updated = new Date(1_700_000_000_000).toISOString();
    this.objects.set(name, { body: Buffer.from(body), updated });
  }
}

/** The second of the two parts, the first being metadata. */
function multipartContent(request: IncomingMessage, body: Buffer): Buffer | undefined {
  const type = request.headers["content-type"] ?? "";
  const boundary = /^multipart\/related; ?boundary="?([^"]+)"?$/i.exec(type)?.[1];
  if (boundary === undefined) return undefined;
  const second = body.indexOf(`\r\n--${boundary}\r\n`);
  const from = body.indexOf("\r\n\r\n", second + 2) + 4;
  const to = body.lastIndexOf(`\r\n--${boundary}--`);
  return second < 0 || from < 4 || to < from ? undefined : body.subarray(from, to);
}

function media(request: IncomingMessage, body: Buffer): TinyGcsAnswer {
  const { range } = request.headers;
  if (range === undefined) return { status: 200, body };
  const [from, last] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).slice(1).map(Number);
  if (from === undefined || last === undefined || last < from) return refusal(400, "bad range");
  if (from >= body.length) return refusal(416, "Request range not satisfiable");
  const to = Math.min(last + 1, body.length);
  const headers = { "content-range": `bytes ${from}-${to - 1}/${body.length}` };
  return { status: 206, headers, body: body.subarray(from, to) };
}

function json(value: object): TinyGcsAnswer {
  const headers = { "content-type": "application/json" };
  return { status: 200, headers, body: JSON.stringify(value) };
}

/** An answer in the form of Google's errors. */
export function refusal(status: number, message: string, reason?: string): TinyGcsAnswer {
  const errors = [{ message, domain: "global", reason: reason ?? "invalid" }];
  const body = JSON.stringify({ error: { code: status, message, errors } });
  return { status, headers: { "content-type": "application/json" }, body };
}

export async function startTinyGcs(bucket = "logs"): Promise<TinyGcs> {
  const server = new TinyGcs(bucket);
  await server.listen();
  return server;
}
