import { ConnectError, Code, type HandlerContext } from "@connectrpc/connect";
import { callerOf, checkCaller, ownTenant } from "./caller.ts";
import type { RawPush } from "./descriptors.ts";
import type { GrpcPorts, GrpcPushReply, GrpcPushRequest } from "./ports.ts";
import { statusError } from "./status.ts";
import { tenantOfCall } from "./tenant.ts";

/** Tag of field 1, length-delimited. */
const streamsTag = 0x0a;

/** Answers when the logs are durable. Throws ConnectError, RequestError or StoreError. */
export async function takePush(
  message: RawPush,
  context: HandlerContext,
  how: { readonly ports: GrpcPorts; readonly kind: GrpcPushRequest["kind"] },
): Promise<void> {
  const { ports, kind } = how;
  const notReady = ports.admin.notReady();
  const isDraining = ports.admin.isDraining?.() === true;
  if (notReady !== undefined && !isDraining) throw statusError(503, notReady);
  const { requestHeader, values } = context;
  const caller = callerOf(values);
  const { authEnabled } = ports;
  const tenant = tenantOfCall(requestHeader, { authEnabled, ownTenant: ownTenant(caller) });
  checkCaller(caller, tenant);
  failWhenTooLate(context);
  const { admission } = ports;
  const bytes = message.streams.reduce((sum, stream) => sum + stream.length, 0);
  const leave = admission?.enter(tenant, bytes);
  const push = (): Promise<GrpcPushReply> =>
    ports.push.push({
      tenant,
      kind,
      contentType: "application/x-protobuf",
      contentEncoding: undefined,
      body: wholeMessage(message.streams),
    });
  const turn = admission?.turns.take({ tenant, bytes }, push) ?? push();
  const { status, text } = await turn.finally(leave);
  if (status < 200 || status >= 300 || text !== "") throw statusError(status, text);
  failWhenTooLate(context);
}

/** A client that has given up is told so, and nothing is stored for it if it is not too late. */
function failWhenTooLate(context: HandlerContext): void {
  if (!context.signal.aborted) return;
  const { reason } = context.signal;
  throw reason instanceof ConnectError ? reason : new ConnectError("canceled", Code.Canceled);
}

/** The message as it was on the wire: field 1, once a stream. One copy. */
function wholeMessage(streams: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const stream of streams) length += 1 + varintLength(stream.length) + stream.length;
  const message = Buffer.allocUnsafe(length);
  let at = 0;
  for (const stream of streams) {
    message[at++] = streamsTag;
    let rest = stream.length;
    for (; rest >= 0x80; rest >>>= 7) message[at++] = (rest & 0x7f) | 0x80;
    message[at++] = rest;
    message.set(stream, at);
    at += stream.length;
  }
  return message;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) length++;
  return length;
}
