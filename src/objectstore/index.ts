/** Immutable objects by key: get, ranged get, put, list, delete. */
export { openAzureObjectStore } from "./azure-object-store.ts";
export type {
  AzureCredentials,
  AzureEnvironment,
  AzureObjectStoreOptions,
} from "./azure-options.ts";
export {
  DiskCache,
  diskCacheBytesMin,
  type DiskCacheObserver,
  type DiskCacheOptions,
  openDiskCache,
} from "./disk-cache.ts";
export { DiskCachedObjectStore, type DiskCachedOptions } from "./disk-cached-object-store.ts";
export { FaultyObjectStore, type ObjectStoreFaults } from "./faulty-object-store.ts";
export {
  type FilesystemObjectStoreOptions,
  openFilesystemObjectStore,
} from "./filesystem-object-store.ts";
export { openGcsObjectStore } from "./gcs-object-store.ts";
export type { GcsObjectStoreOptions } from "./gcs-options.ts";
export { HedgedObjectStore, type HedgeOptions } from "./hedged-object-store.ts";
export {
  MeasuredObjectStore,
  type ObjectStoreObserver,
  type ObjectStoreOperation,
  type ObservedCall,
} from "./measured-object-store.ts";
export {
  MemcachedCache,
  type MemcachedObserver,
  type MemcachedOptions,
  openMemcached,
} from "./memcached-cache.ts";
export { MemcachedObjectStore, type MemcachedStoreOptions } from "./memcached-object-store.ts";
export { MemoryObjectStore } from "./memory-object-store.ts";
export { type ObjectBody, type StoredBody, wholeOf } from "./object-body.ts";
export { checkKey, isKey, keyBytesMax, keyPartBytesMax } from "./object-key.ts";
export type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";
export { PrefixedObjectStore } from "./prefixed-object-store.ts";
export {
  type ObjectStoreRetry,
  type RetryOptions,
  RetryingObjectStore,
} from "./retrying-object-store.ts";
export { openS3ObjectStore, type S3ObjectStore } from "./s3-object-store.ts";
export type {
  S3Encryption,
  S3HttpOptions,
  S3Keys,
  S3ObjectStoreOptions,
  S3Role,
} from "./s3-options.ts";
export { parseS3Url, type S3Url } from "./s3-url.ts";
export { ThrottledError } from "./throttled-error.ts";
