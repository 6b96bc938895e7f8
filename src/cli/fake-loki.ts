/** A server for tests: answers as told, and remembers what it was asked. */
import { createServer, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { type WebSocket, WebSocketServer } from "ws";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly params: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, else JSON. */
  readonly body?: unknown;
  readonly gzip?: true;
}

export interface FakeLoki extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
}

export async function fakeLoki(
  answer: (asked: Asked, count: number) => Reply,
  onTail?: (socket: WebSocket, params: URLSearchParams, count: number) => void,
): Promise<FakeLoki> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const one = askedOf(request, Buffer.concat(parts));
      asked.push(one);
      const { status = 200, headers = {}, body = "", gzip } = answer(one, asked.length);
      const text = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
      const encoding = gzip === undefined ? {} : { "Content-Encoding": "gzip" };
      response.writeHead(status, { ...headers, ...encoding });
      response.end(gzip === undefined ? text : gzipSync(text));
    });
  });
  const tails = new WebSocketServer({ server });
  let tailCount = 0;
  tails.on("connection", (socket: WebSocket, request: IncomingMessage) => {
    const one = askedOf(request, Buffer.alloc(0));
    asked.push(one);
    onTail?.(socket, one.params, ++tailCount);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of tails.clients) socket.terminate();
      tails.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function askedOf(request: IncomingMessage, body: Buffer): Asked {
  const url = new URL(request.url ?? "/", "http://fake");
  const isForm = request.headers["content-type"] === "application/x-www-form-urlencoded";
  return {
    method: request.method ?? "",
    path: url.pathname,
    params: isForm ? new URLSearchParams(body.toString()) : url.searchParams,
    headers: request.headers,
    body,
  };
}
