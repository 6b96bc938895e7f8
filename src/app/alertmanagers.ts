import { resolveSrv } from "node:dns/promises";
import { messageOf } from "#base";
import type { AlertmanagerConfig } from "#config";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";

/** The addresses of Alertmanagers: as given, or the servers that DNS SRV records name. */
export class Alertmanagers {
  readonly #config: AlertmanagerConfig;
  readonly #log: Logger;
  #urls: readonly string[];

  constructor(config: AlertmanagerConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#urls = config.discovers ? [] : config.urls;
  }

  get urls(): readonly string[] {
    return this.#urls;
  }

  /** Resolves the names every refresh interval until the signal; returns at once without discovery. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    const { discovers, refreshIntervalMs } = this.#config;
    while (discovers && !signal.aborted) {
      await this.#resolve();
      await clock.sleep(refreshIntervalMs, signal);
    }
  }

  /** A name that cannot be resolved now keeps the servers it had. */
  async #resolve(): Promise<void> {
    const found: string[] = [];
    for (const text of this.#config.urls) {
      const url = new URL(text);
      try {
        for (const { name, port } of await resolveSrv(url.hostname)) {
          url.hostname = name;
          url.port = String(port);
          found.push(url.href);
        }
      } catch (error) {
        const reason = messageOf(error);
        this.#log.warn("Alertmanagers cannot be resolved", { name: url.hostname, reason });
        return;
      }
    }
    this.#urls = found.sort();
  }
}
