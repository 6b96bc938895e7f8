import type { Http2ServerRequest } from "node:http2";
import { type Identity, mayActFor, peerCertificateOf, type PeerSocket } from "#access";
import { RequestError } from "#base";
import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import type { GrpcPorts } from "./ports.ts";

type Caller = Identity["credential"];

const callerKey: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(undefined);

const callers = new WeakMap<Http2ServerRequest, Caller>();

/** For each call: who was found to call. */
export function callerValues(request: Http2ServerRequest): ContextValues {
  return createContextValues().set(callerKey, callers.get(request));
}

/**
 * Finds out who calls, by the metadata `authorization` or a certificate, for `callerValues`. Throws
 * RequestError 401 when it is not known who, 403 when that may not write.
 */
export async function learnCaller(
  request: Http2ServerRequest,
  { authenticator }: NonNullable<GrpcPorts["access"]>,
): Promise<void> {
  const socket = request.stream.session?.socket;
  const identity = await authenticator.identify({
    authorization: request.headers.authorization,
    certificate: socket === undefined ? undefined : peerCertificateOf(socket as PeerSocket),
    address: socket?.remoteAddress ?? "",
  });
  if (identity === undefined) throw new RequestError(401, "unauthorized: send a token");
  const { credential } = identity;
  if (!credential.rights.has("write")) {
    throw new RequestError(403, `forbidden: ${credential.name} has no right to write here`);
  }
  callers.set(request, credential);
}

/** Undefined when no token file is in force. */
export function callerOf(values: ContextValues): Caller | undefined {
  return values.get(callerKey);
}

/** The tenant a caller writes for when it names none; empty when it has a choice. */
export function ownTenant(caller: Caller | undefined): string {
  const tenants = caller?.tenants ?? "*";
  return tenants !== "*" && tenants.length === 1 ? (tenants[0] ?? "") : "";
}

/** Throws RequestError 403, the same whether there is such a tenant or not. */
export function checkCaller(caller: Caller | undefined, tenant: string): void {
  if (caller === undefined || mayActFor(caller, tenant)) return;
  throw new RequestError(403, `not allowed for tenant ${tenant}`);
}
