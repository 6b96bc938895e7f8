/**
 * The end of a connection that has no request worth answering, or none in time. It is told why, and
 * closed a moment later even when the other side goes on sending or never closes: the server lets
 * both sides close on their own, so ending ours alone would keep socket, body and place for ever.
 */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "#world";

/** For what is on its way: closed at once, the answer could be lost to bytes that were not read. */
const lingerMs = 500;

const statusOfCode: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** What is not HTTP, too long or too late gets an answer without a body worth parsing. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex, clock: Clock): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statusOfCode[error.code ?? ""] ?? 400;
  const text = `${status} ${STATUS_CODES[status] ?? ""}`;
  socket.end(
    `HTTP/1.1 ${text}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Connection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  const cancel = clock.schedule(lingerMs, () => socket.destroy());
  socket.once("close", cancel);
}
