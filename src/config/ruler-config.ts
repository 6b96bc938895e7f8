import type { RuleStoreConfig } from "./store-config.ts";

/** `ruler` and `ruler_storage`. Durations in ms, paths absolute; secrets are here in the clear. */
export interface RulerConfig {
  readonly apiEnabled: boolean;
  readonly rulePath: string;
  readonly alertmanager: AlertmanagerConfig;
  /** Empty: where this process listens. */
  readonly externalUrl: string;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly evaluationIntervalMs: number;
  readonly jitterMaxMs: number;
  readonly pollIntervalMs: number;
  readonly outageToleranceMs: number;
  readonly gracePeriodMs: number;
  readonly resendDelayMs: number;
  readonly enabledTenants: readonly string[];
  readonly disabledTenants: readonly string[];
  readonly store: RuleStoreConfig;
  readonly remoteWrite: RemoteWriteConfig;
}

export interface AlertmanagerConfig {
  readonly urls: readonly string[];
  /** The host names of the addresses are DNS SRV records. */
  readonly discovers: boolean;
  readonly refreshIntervalMs: number;
  readonly queueCapacity: number;
  readonly timeoutMs: number;
  readonly credentials: CredentialsConfig;
  readonly tls: TlsFilesConfig;
  readonly relabelConfigs: readonly RelabelConfig[];
}

/** For the header Authorization; a file wins over a text. */
export interface CredentialsConfig {
  readonly username: string;
  readonly password: string;
  readonly passwordFile: string;
  readonly type: string;
  readonly credentials: string;
  readonly credentialsFile: string;
}

/** Empty texts: none. */
export interface TlsFilesConfig {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

/** As Prometheus' relabel_config has it. */
export type RelabelConfig = Readonly<Record<string, unknown>>;

export interface RemoteWriteConfig {
  readonly enabled: boolean;
  readonly addTenantHeader: boolean;
  readonly folder: string;
  readonly ageMaxMs: number;
  /** By name; `client` without a name is called `default`. */
  readonly clients: ReadonlyMap<string, RemoteWriteClientConfig>;
}

export interface RemoteWriteClientConfig {
  readonly url: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly relabelConfigs: readonly RelabelConfig[];
  readonly credentials: CredentialsConfig | undefined;
  readonly tls: TlsFilesConfig | undefined;
  readonly samplesPerSendMax: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly retriesRateLimit: boolean;
}

/** The limits of rules: limits_config.ruler_*. Undefined, or nothing: as `ruler` says. */
export interface RulerLimits {
  readonly rulerMaxRulesPerRuleGroup: number;
  readonly rulerMaxRuleGroupsPerTenant: number;
  /** ruler_alertmanager_config. */
  readonly rulerAlertmanager: {
    readonly urls: readonly string[];
    readonly relabelConfigs: readonly RelabelConfig[];
    readonly credentials: CredentialsConfig;
  };
  /** ruler_remote_write_disabled. */
  readonly rulerRemoteWriteDisabled: boolean;
  /** Over those of each client; ruler_remote_write_url and so on. */
  readonly rulerRemoteWrite: Partial<RemoteWriteClientConfig>;
  /** ruler_remote_write_config: by name of the client. */
  readonly rulerRemoteWriteClients: ReadonlyMap<string, Partial<RemoteWriteClientConfig>>;
}
