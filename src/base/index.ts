/** No domain: what every other room may lean on. */
export {
  isStoreError,
  messageOf,
  RequestError,
  StoreError,
  type StoreErrorKind,
} from "./errors.ts";
export { giveBack } from "./give-back.ts";
export { Limiter } from "./limiter.ts";
export { LruMap } from "./lru-map.ts";
export { shortenText } from "./shorten-text.ts";
export {
  type CacheFigures,
  cacheTotals,
  countEvicted,
  countRefused,
  type QueueFigures,
  queueTotals,
  type Totals,
  watchCache,
  watchQueue,
} from "./watched.ts";
export { day, GiB, hour, KiB, MiB, minute, nsPerMs, nsPerSecond, second } from "./units.ts";
