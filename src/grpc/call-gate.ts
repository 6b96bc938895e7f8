/**
 * What a call passes before its message is read: how many are under way, and who calls. A message is
 * memory, so nobody unknown may send one; and whoever sends it has to be done in time, however
 * steadily bytes trickle in.
 */
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Clock } from "#world";
import type { ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { learnCaller } from "./caller.ts";
import type { GrpcPorts } from "./ports.ts";
import { asStatusError, statusError } from "./status.ts";

/** Calls at once in all. Each may hold a message, so this bounds memory. */
const callsMax = 256;
/** For a refusal to arrive. */
const lingerMs = 1000;
/** Answers anybody, as probes carry no credentials. */
const healthPath = "/grpc.health.v1.Health/";

export interface CallGateOptions {
  readonly readTimeoutMs: number;
  readonly ports: GrpcPorts;
}

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

export class CallGate {
  readonly #readTimeoutMs: number;
  readonly #ports: GrpcPorts;
  readonly #handler: Handler;
  #count = 0;

  constructor({ readTimeoutMs, ports }: CallGateOptions, handler: Handler) {
    this.#readTimeoutMs = readTimeoutMs;
    this.#ports = ports;
    this.#handler = handler;
    ports.metrics.observe("skald_grpc_calls_in_flight", "gRPC calls under way.", () => this.#count);
  }

  /** Hands the call on, or answers it; never throws. */
  readonly enter = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const { clock } = this.#ports;
    if (this.#count >= callsMax) {
      refuse(response, statusError(503, `more than ${callsMax} calls at once`), clock);
      return;
    }
    this.#count++;
    response.once("close", () => this.#count--);
    this.#limitTime(request);
    if (this.#ports.access === undefined || request.url.startsWith(healthPath)) {
      this.#handler(request, response);
      return;
    }
    learnCaller(request, this.#ports.access).then(
      () => this.#handler(request, response),
      (error: unknown) => refuse(response, asStatusError(error, this.#ports), clock),
    );
  };

  #limitTime(request: Http2ServerRequest): void {
    const { stream } = request;
    if (this.#readTimeoutMs <= 0) return;
    const cut = (): void => stream.close(constants.NGHTTP2_CANCEL);
    // Nothing at all for so long, in either direction: also while the answer is not taken.
    stream.setTimeout(this.#readTimeoutMs, cut);
    const cancel = this.#ports.clock.schedule(this.#readTimeoutMs, cut);
    request.once("end", cancel);
    stream.once("close", cancel);
  }
}

/** An answer without a message: the status stands in its head. */
function refuse(response: Http2ServerResponse, error: ConnectError, clock: Clock): void {
  const { stream } = response;
  if (stream.destroyed || stream.closed) return;
  const status = Object.fromEntries(setTrailerStatus(new Headers(), error));
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", ...status },
    { endStream: true },
  );
  // What it still sends is not read, and not waited for longer than the answer needs to arrive.
  const cancel = clock.schedule(lingerMs, () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.once("close", cancel);
}
