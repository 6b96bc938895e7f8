/**
 * A client may send many requests over one connection without waiting for answers. They are dealt
 * with one after the other, as Go's servers do it, so that one connection never holds more than one
 * answer and one place, however many it asks for and however little it reads.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Metrics } from "#telemetry";
import type { HeadWatch } from "./head-watch.ts";

/** Requests that were read before the one ahead of them was answered; more cut the connection. */
const waitingMax = 256;

interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** One connection: its request under way, and those behind it. */
interface Connection {
  isBusy: boolean;
  readonly waiting: Waiting[];
}

export interface InTurnOptions {
  readonly metrics: Metrics;
  readonly heads: Pick<HeadWatch, "begun" | "ended">;
}

/** The handler, told of one request of a connection at a time. */
export function oneAtATime(
  handler: RequestListener,
  { metrics, heads }: InTurnOptions,
): RequestListener {
  const connections = new WeakMap<Socket, Connection>();
  const cut = metrics.counter(
    "skald_http_pipelines_cut_total",
    "Connections closed because too many requests were sent over them without waiting for answers.",
  );
  const next = (connection: Connection, request: IncomingMessage): void => {
    const { waiting } = connection;
    const { socket } = request;
    const first = waiting.shift();
    connection.isBusy = first !== undefined;
    if (first === undefined) {
      heads.ended(request);
      return;
    }
    if (socket.destroyed) {
      // Of a client that has gone, nothing more is done.
      waiting.length = 0;
      return;
    }
    // Read on: more requests, the body of this one, or that the client has gone.
    if (waiting.length === 0) socket.resume();
    begin(first, connection);
  };
  const begin = ({ request, response }: Waiting, connection: Connection): void => {
    response.once("close", () => next(connection, request));
    handler(request, response);
  };
  return (request, response) => {
    const { socket } = request;
    let connection = connections.get(socket);
    if (connection === undefined) {
      connection = { isBusy: false, waiting: [] };
      connections.set(socket, connection);
    }
    if (!connection.isBusy) {
      connection.isBusy = true;
      heads.begun(socket);
      begin({ request, response }, connection);
    } else if (connection.waiting.length < waitingMax) {
      connection.waiting.push({ request, response });
      // What has not been read yet stays in the system, and with it in the client.
      socket.pause();
    } else {
      cut.inc();
      socket.destroy();
    }
  };
}
