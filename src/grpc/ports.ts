import type { Authenticator } from "#access";
import type { Logger, Metrics } from "#telemetry";
import type { Clock } from "#world";

/** What the gRPC server needs from the rest of the process. Built in `app/`. */
export interface GrpcPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** With auth off every call is the tenant `fake`. */
  readonly authEnabled: boolean;
  /** Not given: no token file is in force, and who calls is believed. */
  readonly access?: { readonly authenticator: Pick<Authenticator, "identify"> };
  /** Not given: only the calls under way are bounded. */
  readonly admission?: {
    /** Returns what to call once the push is over. Throws RequestError 503 when there is no room. */
    enter(tenant: string, bytes: number): () => void;
    readonly turns: {
      take<T>(
        push: { readonly tenant: string; readonly bytes: number },
        work: () => Promise<T>,
      ): Promise<T>;
    };
  };
  readonly push: {
    /**
     * Accepts, makes durable, and says what to answer as an HTTP status and text. May throw
     * RequestError or StoreError when nothing was accepted.
     */
    push(request: GrpcPushRequest): Promise<GrpcPushReply>;
  };
  readonly admin: {
    /** Undefined when ready, else why not, in words. */
    readonly notReady: () => string | undefined;
    readonly isDraining?: () => boolean;
  };
}

/** `loki-message` is Loki's PushRequest as protobuf, `otlp` OpenTelemetry's; not compressed. */
export interface GrpcPushRequest {
  readonly tenant: string;
  readonly kind: "loki-message" | "otlp";
  readonly contentType: "application/x-protobuf";
  readonly contentEncoding: undefined;
  /** Given away. */
  readonly body: Buffer;
}

export interface GrpcPushReply {
  readonly status: number;
  /** What happened, for people; empty when all was well. */
  readonly text: string;
}
