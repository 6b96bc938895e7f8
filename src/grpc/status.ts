import { isStoreError, messageOf, RequestError } from "#base";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { HttpResponseSchema } from "./descriptors.ts";
import type { GrpcPorts } from "./ports.ts";

/**
 * The gRPC code for an HTTP status. Loki puts the HTTP status itself where the code belongs, which
 * clients that are not Loki's take for UNKNOWN and mostly do not retry; these are gRPC's own, and
 * clients retry what may succeed later.
 */
function codeOf(status: number): Code {
  switch (status) {
    case 401:
      return Code.Unauthenticated;
    case 403:
      return Code.PermissionDenied;
    case 404:
      return Code.NotFound;
    case 413:
    case 429:
      return Code.ResourceExhausted;
    case 499:
      return Code.Canceled;
    case 502:
    case 503:
      return Code.Unavailable;
    case 504:
      return Code.DeadlineExceeded;
    default:
      if (status >= 500) return Code.Internal;
      // A tenant whose pushes are blocked may have any status configured for it, also 260.
      return status >= 400 ? Code.InvalidArgument : Code.FailedPrecondition;
  }
}

/** The error carries the HTTP answer as a detail, where dskit's httpgrpc package looks for it. */
export function statusError(status: number, text: string): ConnectError {
  const value = create(HttpResponseSchema, { code: status, body: Buffer.from(text) });
  const details = [{ desc: HttpResponseSchema, value }];
  return new ConnectError(text, codeOf(status), undefined, details);
}

/** What a client is told about a failure; what is not its business is logged instead. */
export function asStatusError(error: unknown, ports: Pick<GrpcPorts, "log">): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof RequestError) return statusError(error.status, error.message);
  if (isStoreError(error)) {
    ports.log.error("store failed", { reason: error.message, kind: error.kind });
    return statusError(503, error.message);
  }
  ports.log.error("call failed", {
    reason: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  return statusError(500, "internal error");
}
