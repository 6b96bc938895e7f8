import type { Http2ServerRequest } from "node:http2";
import { type Identity, mayActFor, peerCertificateOf, type PeerSocket } from "#access";
import { RequestError } from "#base";
import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import type { GrpcPorts } from "./ports.ts";

/** What a connection says about who calls. */
interface Peer {
  readonly address: string;
  readonly socket: PeerSocket;
}

const peerKey: ContextKey<Peer | undefined> = createContextKey<Peer | undefined>(undefined);

/** For each call: where it comes from. */
export function peerValues(request: Pick<Http2ServerRequest, "stream">): ContextValues {
  const socket = request.stream.session?.socket;
  return createContextValues().set(peerKey, {
    address: socket?.remoteAddress ?? "",
    socket: (socket ?? {}) as PeerSocket,
  });
}

/**
 * Who calls, by the metadata `authorization` or a certificate. Undefined when no token file is in
 * force. Throws RequestError 401 when it is not known who, 403 when that may not write.
 */
export async function callerOf(
  metadata: Headers,
  values: ContextValues,
  access: GrpcPorts["access"],
): Promise<Identity["credential"] | undefined> {
  if (access === undefined) return undefined;
  const peer = values.get(peerKey);
  const identity = await access.authenticator.identify({
    authorization: metadata.get("authorization") ?? undefined,
    certificate: peer === undefined ? undefined : peerCertificateOf(peer.socket),
    address: peer?.address ?? "",
  });
  if (identity === undefined) throw new RequestError(401, "unauthorized: send a token");
  const { credential } = identity;
  if (!credential.rights.has("write")) {
    throw new RequestError(403, `forbidden: ${credential.name} has no right to write here`);
  }
  return credential;
}

/** The tenant a caller writes for when it names none; empty when it has a choice. */
export function ownTenant(caller: Identity["credential"] | undefined): string {
  const tenants = caller?.tenants ?? "*";
  return tenants !== "*" && tenants.length === 1 ? (tenants[0] ?? "") : "";
}

/** Throws RequestError 403, the same whether there is such a tenant or not. */
export function checkCaller(caller: Identity["credential"] | undefined, tenant: string): void {
  if (caller === undefined || mayActFor(caller, tenant)) return;
  throw new RequestError(403, `not allowed for tenant ${tenant}`);
}
