import type { Audit, Authenticator, Sessions } from "#access";
import type { Limits, LimitsByTenant } from "#config";
import type { EntryBatch } from "#model";
import type { EntryQueries, Explainer, IndexQueries, QueryEngine } from "#query";
import type { Block } from "#storage";
import type { Logger, Metrics } from "#telemetry";
import type { Clock, Newcomers } from "#world";
import type { PushAdmission } from "./push-admission.ts";

/** What the routes need from the rest of the process. Built in `app/`; tests build their own. */
export interface HttpPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly limits: LimitsByTenant;
  /** With auth off every request is the tenant `fake`. */
  readonly authEnabled: boolean;
  readonly multiTenantQueriesEnabled: boolean;
  /** querier.tail_max_duration. */
  readonly tailMaxDurationMs: number;
  readonly build: BuildInfo;
  readonly engine: QueryEngine;
  readonly index: IndexQueries;
  readonly entries: EntryQueries;
  readonly explainer: Explainer;
  readonly push: PushPort;
  /** Shared with other ways in; not given: one for HTTP alone. */
  readonly admission?: PushAdmission;
  /** Hears of each connection; not given: one of the server's own. */
  readonly newcomers?: Newcomers;
  readonly tails: TailPort;
  readonly admin: AdminPort;
  /** skald.tails_per_address; 0 or not given: any number. */
  readonly tailsPerAddressMax?: number;
  /** Not given: no token file is in force, and who asks is believed. */
  readonly access?: AccessPort;
  readonly audit?: Pick<Audit, "record">;
}

/** Who may come in, when a token file is in force. */
export interface AccessPort {
  readonly authenticator: Pick<Authenticator, "identify">;
  readonly sessions: Sessions;
  /** skald.open_paths: of `/ready` and `/metrics`, those that need no token. */
  readonly openPaths: readonly string[];
  /** Below which the browser sends the session: the server's prefix, with a slash at its end. */
  readonly cookiePath: string;
}

/** For `/loki/api/v1/status/buildinfo` and the metric `loki_build_info`. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildDate: string;
}

export interface PushPort {
  /**
   * Accepts, makes durable, and says what to answer. Throws RequestError when nothing was accepted.
   */
  push(request: PushRequest): Promise<PushReply>;
}

export interface PushRequest {
  readonly tenant: string;
  readonly kind: "loki" | "loki-v0" | "otlp";
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly body: Buffer;
}

export interface PushReply {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string | Buffer;
}

export interface TailPort {
  /**
   * Hands over every batch of the tenant that is accepted from now on, once it is durable and
   * queries can see it. The listener must not throw or wait. Returns how to stop.
   */
  subscribe(tenant: string, listener: (batch: EntryBatch) => void): () => void;
  /** Rows of a block of such a batch that may not be shown: marks other than 0. Omitted: none. */
  readonly hiddenRows?: (tenant: string, block: Block) => Uint16Array | undefined;
}

export interface AdminPort {
  /** Undefined when ready, else why not, in words. */
  readonly notReady: () => string | undefined;
  /** What the operator should know although requests are served: the store is down, say. */
  readonly troubles?: () => readonly string[];
  /** Not ready, but everything is still served: it stops soon. */
  readonly isDraining?: () => boolean;
  /** Set while stopping: no more pushes are taken. */
  readonly isStopping: () => boolean;
  /** Writes everything in memory (or one tenant's) to the store. */
  flush(tenant?: string): Promise<void>;
  /** Stops the process as a signal would: requests under way end, what was accepted is kept. */
  readonly terminate?: () => void;
  /** Services and their states, for `/services`. */
  services(): readonly { readonly name: string; readonly state: string }[];
  /**
   * The effective configuration as YAML, secrets redacted; `diff` only what differs from the
   * defaults.
   */
  configYaml(mode: "full" | "diff" | "defaults"): string;
  /** The runtime overrides in force as YAML. */
  runtimeConfigYaml(mode: "full" | "diff"): string;
}

export type { Limits };
