import { MiB } from "#base";
import type { ReportProblem } from "./build-config.ts";
import { type SettingValues, settingValue } from "./settings.ts";
import { asText, type Value } from "./value-types.ts";

/** A cache on the local disk of what was read from remote object stores. */
export interface ObjectCacheConfig {
  /** skald.object_cache_folder, or `<path prefix>/object-cache`. */
  readonly folder: string;
  /** skald.object_cache_size; 0: no cache. */
  readonly bytesMax: number;
}

/** memcached before remote object stores: chunk_store_config.chunk_cache_config. */
export interface MemcachedConfig {
  /** `host:port`, `host`, or `dnssrv+name`; empty when `host` is given. */
  readonly addresses: readonly string[];
  readonly host: string;
  readonly service: string;
  readonly timeoutMs: number;
  /** 0: 1 MiB. */
  readonly itemBytesMax: number;
  /** 0: for ever. */
  readonly expirationMs: number;
  /** 0: a server is asked however often it fails. */
  readonly failuresMax: number;
  readonly pauseMs: number;
}

/** Less than a few files is no cache. */
const cacheBytesMin: number = 4 * MiB;
const memcachedPath = "chunk_store_config.chunk_cache_config";

export function objectCacheOf(values: SettingValues, problem: ReportProblem): ObjectCacheConfig {
  const path = "skald.object_cache_size";
  const bytesMax = Number(settingValue(values, path));
  if (bytesMax > 0 && bytesMax < cacheBytesMin) {
    problem(path, `expected 0 or at least 4MB, found ${bytesMax} bytes`);
  }
  return { folder: asText(settingValue(values, "skald.object_cache_folder")), bytesMax };
}

/** Undefined when no server is named. */
export function memcachedOf(values: SettingValues): MemcachedConfig | undefined {
  const get = (key: string): Value => settingValue(values, `${memcachedPath}.${key}`);
  const text = (key: string): string => asText(get(key)).trim();
  const addresses = text("memcached_client.addresses")
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
  const host = text("memcached_client.host");
  if (addresses.length === 0 && host === "") return undefined;
  return {
    addresses,
    host,
    service: text("memcached_client.service"),
    timeoutMs: Math.max(1, Number(get("memcached_client.timeout"))),
    itemBytesMax: Number(get("memcached_client.max_item_size")),
    expirationMs: Number(get("memcached.expiration")),
    failuresMax: Number(get("memcached_client.circuit_breaker_consecutive_failures")),
    pauseMs: Number(get("memcached_client.circuit_breaker_timeout")),
  };
}
