/** Immutable objects by key: get, ranged get, put, list, delete. */
export type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";
