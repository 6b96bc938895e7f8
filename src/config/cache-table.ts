/**
 * Settings of the caches before remote object stores: see settings.ts for the notation. Keys of
 * memcached are Loki's; Loki has no cache of objects on disk.
 */
export const cacheTable = `
skald.object_cache_size bytes 4GB skald.object-cache-size
  Room on the local disk for what was read from remote object stores; 0: none.
skald.object_cache_folder path ? skald.object-cache-folder
  Where; <path_prefix>/object-cache if not set.
`;

/** In `chunk_store_config.chunk_cache_config`. */
export const sharedCacheTable = `
memcached.expiration duration 0s memcached.expiration
  How long memcached keeps what was read; 0: until it needs the room.
`;

/** In `chunk_store_config.chunk_cache_config.memcached_client`. */
export const memcachedTable = `
addresses string '' addresses
  The servers, host:port with commas, or dnssrv+ and a name; wins over host.
host string '' hostname
  A name with an SRV record of the service, or one server.
service string memcached service
  The service of that SRV record.
timeout duration 100ms timeout
  A read waits so long for memcached at most.
max_item_size int 0 max-item-size
  Bytes of the largest item that the servers take; 0: 1 MiB.
consistent_hash bool true consistent-hash
  Keys are always spread so; false changes nothing.
circuit_breaker_consecutive_failures int 10 circuit-breaker-consecutive-failures
  After so many failures in a row a server is left alone; 0: never.
circuit_breaker_timeout duration 10s circuit-breaker-timeout
  For so long.
`;
