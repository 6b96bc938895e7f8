import { messageOf } from "#base";
import type {
  Config,
  CredentialsConfig,
  Limits,
  LimitsByTenant,
  RelabelConfig,
  RemoteWriteClientConfig,
  TlsFilesConfig,
} from "#config";
import {
  type AlertRoute,
  authorization,
  type RelabelRule,
  relabelRule,
  type RemoteWriteClient,
  type TlsFiles,
} from "#ruler";
import type { Logger } from "#telemetry";
import type { Files } from "#world";
import type { Alertmanagers } from "./alertmanagers.ts";

export interface RoutingParts {
  readonly config: Config;
  readonly limits: LimitsByTenant;
  readonly alertmanagers: Alertmanagers;
  readonly secrets: SecretFiles;
  readonly log: Logger;
}

/** Passwords and credentials that are in files, read again every now and then. */
export class SecretFiles {
  readonly #files: Files;
  readonly #log: Logger;
  #texts = new Map<string, string>();

  constructor(files: Files, log: Logger) {
    this.#files = files;
    this.#log = log;
  }

  async load(paths: Iterable<string>): Promise<void> {
    for (const path of new Set(paths)) {
      if (path === "") continue;
      try {
        this.#texts.set(path, (await this.#files.read(path)).toString("utf8").trim());
      } catch (error) {
        this.#log.error("credentials cannot be read", { reason: messageOf(error) });
      }
    }
  }

  text(path: string): string {
    return this.#texts.get(path) ?? "";
  }
}

/** The files with secrets that the ruler's own settings name. */
export function secretPaths({ ruler }: Config): string[] {
  const all: (CredentialsConfig | undefined)[] = [ruler.alertmanager.credentials];
  for (const client of ruler.remoteWrite.clients.values()) all.push(client.credentials);
  return all.flatMap((credentials) =>
    credentials === undefined ? [] : [credentials.passwordFile, credentials.credentialsFile],
  );
}

/** Where alerts of a tenant go: what the tenant's limits say, over the ruler's settings. */
export function alertRoutes(parts: RoutingParts): (tenant: string) => AlertRoute {
  const { config, limits, alertmanagers } = parts;
  const { alertmanager, externalLabels } = config.ruler;
  const rules = new RelabelRules(parts.log);
  return (tenant) => {
    const own = limits.for(tenant).rulerAlertmanager;
    const isOwn = own.urls.length > 0;
    const credentials = isOwn ? own.credentials : alertmanager.credentials;
    const relabelConfigs =
      own.relabelConfigs.length > 0 ? own.relabelConfigs : alertmanager.relabelConfigs;
    return {
      urls: isOwn ? own.urls : alertmanagers.urls,
      headers: authorizationOf(credentials, parts.secrets),
      tls: tlsOf(alertmanager.tls),
      timeoutMs: alertmanager.timeoutMs,
      capacity: alertmanager.queueCapacity,
      externalLabels,
      relabel: rules.of(relabelConfigs),
    };
  };
}

/** Where samples of a tenant go; empty: nowhere. */
export function remoteWriteRoutes(
  parts: RoutingParts,
): (tenant: string) => readonly RemoteWriteClient[] {
  const { config, limits } = parts;
  const { remoteWrite } = config.ruler;
  const rules = new RelabelRules(parts.log);
  return (tenant) => {
    const own = limits.for(tenant);
    if (!remoteWrite.enabled || own.rulerRemoteWriteDisabled) return [];
    return clientsOf(remoteWrite.clients, own).map(([name, client]) => ({
      name,
      url: client.url,
      headers: {
        ...(remoteWrite.addTenantHeader ? { "X-Scope-OrgID": tenant } : {}),
        ...withoutTenant(client.headers),
        ...authorizationOf(client.credentials, parts.secrets),
      },
      tls: tlsOf(client.tls),
      timeoutMs: client.timeoutMs,
      relabel: rules.of(client.relabelConfigs),
      samplesPerSendMax: client.samplesPerSendMax,
      minBackoffMs: client.minBackoffMs,
      maxBackoffMs: client.maxBackoffMs,
      retriesRateLimit: client.retriesRateLimit,
    }));
  };
}

/** A tenant's own URL is one client where there is none. */
function clientsOf(
  clients: ReadonlyMap<string, RemoteWriteClientConfig>,
  { rulerRemoteWrite, rulerRemoteWriteClients }: Limits,
): [string, RemoteWriteClientConfig][] {
  const all = new Map(clients);
  if (all.size === 0 && rulerRemoteWrite.url !== undefined) all.set("default", plainClient);
  for (const [name, own] of rulerRemoteWriteClients) {
    if (!all.has(name) && own.url !== undefined) all.set(name, plainClient);
  }
  return [...all].map(([name, client]) => {
    return [name, { ...client, ...rulerRemoteWrite, ...rulerRemoteWriteClients.get(name) }];
  });
}

const plainClient: RemoteWriteClientConfig = {
  url: "",
  timeoutMs: 30_000,
  headers: {},
  relabelConfigs: [],
  credentials: undefined,
  tls: undefined,
  samplesPerSendMax: 2000,
  minBackoffMs: 30,
  maxBackoffMs: 5000,
  retriesRateLimit: true,
};

/** Whose samples these are is not for a header of the configuration to say. */
function withoutTenant(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "x-scope-orgid");
  return Object.fromEntries(kept);
}

function authorizationOf(
  credentials: CredentialsConfig | undefined,
  secrets: SecretFiles,
): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  const { passwordFile, credentialsFile } = credentials;
  return authorization({
    ...credentials,
    password: passwordFile === "" ? credentials.password : secrets.text(passwordFile),
    credentials: credentialsFile === "" ? credentials.credentials : secrets.text(credentialsFile),
  });
}

function tlsOf(tls: TlsFilesConfig | undefined): TlsFiles | undefined {
  if (tls === undefined) return undefined;
  const isEmpty = Object.values(tls).every((value) => value === "" || value === false);
  return isEmpty ? undefined : tls;
}

/** Compiled once for each version of the configuration. */
class RelabelRules {
  readonly #log: Logger;
  readonly #compiled = new WeakMap<readonly RelabelConfig[], readonly RelabelRule[]>();

  constructor(log: Logger) {
    this.#log = log;
  }

  of(configs: readonly RelabelConfig[]): readonly RelabelRule[] {
    let rules = this.#compiled.get(configs);
    if (rules === undefined) {
      rules = configs.flatMap((config) => this.#compile(config));
      this.#compiled.set(configs, rules);
    }
    return rules;
  }

  #compile(config: RelabelConfig): RelabelRule[] {
    try {
      return [relabelRule(config)];
    } catch (error) {
      this.#log.error("a relabelling rule is left out", { reason: messageOf(error) });
      return [];
    }
  }
}
