/**
 * The life of data after it is stored: retention by age and size, deletes, and what of it queries must
 * not see meanwhile.
 */
export { DeleteApi, type DeleteApiOptions, type DeleteParameters } from "./delete-api.ts";
export { DeleteBook, type DeleteBookOptions } from "./delete-book.ts";
export type { DeleteRequest, DeleteState, ErasedCount } from "./delete-request.ts";
export { hiddenRows, type Mask } from "./mask.ts";
export { MaskedStore, type MasksOf } from "./masked-store.ts";
export { Retention, type RetentionOptions } from "./retention.ts";
export { RetentionPolicy } from "./retention-policy.ts";
export { type OtherMasks, Visibility, type VisibilityPart } from "./visibility.ts";
