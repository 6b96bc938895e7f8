import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createLogger, createMetrics } from "#telemetry";
import { systemClock } from "#world";
import { AnswerWatch } from "../../src/http/answer-watch.ts";
import { testAuthority } from "../support/certificates.ts";

const answerBytes = 24 * 1024 * 1024;
const authority = testAuthority();
const { cert, key } = authority.issue({ commonName: "server" });

interface Door {
  readonly name: string;
  readonly listen: (handler: RequestListener) => Server;
  readonly connect: (port: number) => Socket;
}

const doors: readonly Door[] = [
  {
    name: "HTTP",
    listen: (handler) => createServer(handler),
    connect: (port) => connect(port, "127.0.0.1"),
  },
  {
    name: "HTTPS",
    listen: (handler) => createTlsServer({ cert, key }, handler) as unknown as Server,
    connect: (port) => connectTls({ port, host: "localhost", ca: authority.cert }),
  },
];

/** Asks, reads for so long of each 60 ms, and resolves with what came once the connection has closed. */
async function ask(socket: Socket, readMs: number): Promise<number> {
  let bytes = 0;
  let isClosed = false;
  socket.on("close", () => (isClosed = true));
  socket.on("data", (data: Buffer) => (bytes += data.length));
  socket.on("error", () => undefined);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
  const untilMs = performance.now() + 8000;
  for (let turn = 0; !isClosed && performance.now() < untilMs; turn++) {
    socket.pause();
    await pause(60 - readMs);
    // Who does not read hears of nothing; at last it looks.
    if (readMs > 0 || turn > 25) socket.resume();
    await pause(readMs);
  }
  socket.destroy();
  return bytes;
}

describe("answers that are watched", { concurrency: true }, () => {
  for (const door of doors) {
    for (const inPieces of [true, false]) {
      const how = inPieces ? "in pieces" : "at once";
      test(`${door.name}, sent ${how}: slow readers get all, who does not read is cut`, async () => {
        const metrics = createMetrics({ process: false });
        const log = createLogger({ level: "error", format: "logfmt", write: () => undefined });
        const watch = new AnswerWatch({ clock: systemClock, metrics, log, timeoutMs: 400 });
        const server = door.listen((_request, response) => {
          watch.begin(response, false);
          const piece = Buffer.alloc(inPieces ? answerBytes / 24 : answerBytes, "x");
          let left = answerBytes / piece.length;
          const more = (): void => {
            while (left-- > 1) {
              if (!response.write(piece)) {
                response.once("drain", more);
                return;
              }
            }
            if (left === 0) response.end(piece);
          };
          more();
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const address = server.address();
        assert.ok(address !== null && typeof address === "object");
        const [slow, stuck] = await Promise.all([
          ask(door.connect(address.port), 12),
          ask(door.connect(address.port), 0),
        ]);
        watch.close();
        server.close();
        assert.ok(slow > answerBytes, `${slow} bytes came`);
        assert.ok(stuck < answerBytes, `${stuck} bytes came`);
        assert.match(await metrics.text(), /slow_readers_cut_total 1/);
      });
    }
  }
});
