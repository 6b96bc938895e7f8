/**
 * Settings of the caches before remote object stores: see settings.ts for the notation. Keys of
 * memcached are Loki's; Loki has no cache of objects on disk.
 */
export const cacheTable = `
skald.object_cache_size bytes 4GB skald.object-cache-size
  Room on the local disk for what was read from remote object stores; 0: none.
skald.object_cache_folder path ? skald.object-cache-folder
  Where; <path_prefix>/object-cache if not set.
chunk_store_config.chunk_cache_config.memcached.expiration duration 0s store.chunks-cache.memcached.expiration
  How long memcached keeps what was read; 0: until it needs the room.
chunk_store_config.chunk_cache_config.memcached_client.addresses string '' store.chunks-cache.memcached.addresses
  The servers, host:port with commas, or dnssrv+ and a name; wins over host.
chunk_store_config.chunk_cache_config.memcached_client.host string '' store.chunks-cache.memcached.hostname
  A name with an SRV record of the service, or one server.
chunk_store_config.chunk_cache_config.memcached_client.service string memcached store.chunks-cache.memcached.service
  The service of that SRV record.
chunk_store_config.chunk_cache_config.memcached_client.timeout duration 100ms store.chunks-cache.memcached.timeout
  A read waits so long for memcached at most.
chunk_store_config.chunk_cache_config.memcached_client.max_item_size int 0 store.chunks-cache.memcached.max-item-size
  Bytes of the largest item that the servers take; 0: 1 MiB.
chunk_store_config.chunk_cache_config.memcached_client.consistent_hash bool true store.chunks-cache.memcached.consistent-hash
  Keys are always spread so; false changes nothing.
chunk_store_config.chunk_cache_config.memcached_client.circuit_breaker_consecutive_failures int 10 store.chunks-cache.memcached.circuit-breaker-consecutive-failures
  After so many failures in a row a server is left alone; 0: never.
chunk_store_config.chunk_cache_config.memcached_client.circuit_breaker_timeout duration 10s store.chunks-cache.memcached.circuit-breaker-timeout
  For so long.
`;
