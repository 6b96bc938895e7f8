/** Keys that Loki itself has dropped, and what stands in their place today. */
const texts: ReadonlyMap<string, string> = new Map([
  ["table_manager", "retention is limits_config.retention_period and compactor.retention_enabled"],
  ["chunk_store_config.max_look_back_period", "use limits_config.max_query_lookback"],
  ["compactor.shared_store", "use compactor.delete_request_store"],
  ["compactor.shared_store_key_prefix", "the schema period's index.path_prefix says where it is"],
  ["compactor.deletion_mode", "use limits_config.deletion_mode"],
  ["limits_config.allow_deletes", "use limits_config.deletion_mode"],
  ["querier.query_timeout", "use limits_config.query_timeout"],
  ["querier.engine.timeout", "use limits_config.query_timeout"],
  ["query_range.split_queries_by_interval", "use limits_config.split_queries_by_interval"],
  ["storage_config.tsdb_shipper.shared_store", "the schema period's object_store says where it is"],
  [
    "storage_config.tsdb_shipper.shared_store_key_prefix",
    "the schema period's index.path_prefix says where it is",
  ],
  ["storage_config.boltdb_shipper", "Skald does not read the index of boltdb-shipper"],
  ["storage_config.boltdb", "Skald does not read the index of boltdb"],
  ["bloom_compactor", "Skald's segments carry their own filters"],
]);

/** For blocks that occur in many places: by the last name of the path. */
const textsByName: ReadonlyMap<string, string> = new Map([
  ["fifocache", "use embedded_cache"],
  ["enable_fifocache", "use embedded_cache.enabled"],
]);

export function goneKeyText(path: string): string {
  const name = path.slice(path.lastIndexOf(".") + 1);
  const text = texts.get(path) ?? textsByName.get(name);
  return text === undefined ? "gone from newer Lokis too, ignored" : `${text}; ignored`;
}
