/** Keys of Loki's configuration, in the notation of key-shapes.ts. */
export const lokiKeys = `
limits_config{
retention_stream[]{ period:d priority:i selector:s }
blocked_queries[]{ pattern:s regex:b types:l hash:i }
otlp_config{
resource_attributes{ attributes_config[]{ action:s attributes:l regex:s } }
scope_attributes[]{ action:s attributes:l regex:s }
log_attributes[]{ action:s attributes:l regex:s }
}
}
schema_config{
configs[]{
from:s store:s object_store:s schema:s row_shards:i
index{ prefix:s period:d path_prefix:s tags:m }
chunks{ prefix:s period:d tags:m }
}
}
storage_config{
named_stores{ filesystem<>{ directory:s } }
object_store{ named_stores{ filesystem<>{ dir:s } } }
}
`;
