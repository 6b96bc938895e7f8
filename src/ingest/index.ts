/** The way in: pushes decoded, checked, labelled; the head; its way into segments. */
export {
  Distributor,
  type DistributorOptions,
  type PushInput,
  type PushKind,
  type PushObserver,
  type PushReply,
  type PushResult,
} from "./distributor.ts";
export type { ActiveStreams } from "./distributor-limits.ts";
export { decodePushRecord, encodePushRecord } from "./push-record.ts";
