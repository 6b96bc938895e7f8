/**
 * Loki's chunks → segments of Skald's own store, table by table, tenant by tenant. The source is
 * only read. What was done is written down after each segment, so that a run that was killed goes
 * on; a run that finds nothing new does nothing. Segments of days whose period is still `tsdb` are
 * asked by nobody: the switch is the change of `schema_config`, and until then nothing has changed.
 */
import { isStoreError, messageOf, StoreError } from "#base";
import { nextTurn } from "#world";
import type { ObjectStore } from "#objectstore";
import { decodeFooter, type ListedSegment, parseSegmentKey, SegmentStore } from "#segment";
import { type Bucket, type BucketScope, hasTenant, type PlacedTable, tablesOf } from "./bucket.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import {
  chunksOfFile,
  faultOf,
  filesOfTable,
  IndexShelf,
  type ListedChunk,
  type TableFile,
  tenantsOfFile,
} from "./index-files.ts";
import { type DayPlan, defaultPortionBounds, planDay, type PortionBounds } from "./migrate-plan.ts";
import { migratePortion, type StreamProof } from "./migrate-portion.ts";
import {
  readTenantRecord,
  type TableIdentity,
  type TenantRecord,
  writeTableRecord,
  writeTenantRecord,
} from "./migrate-records.ts";
import { addSums, noRows, type RowSum } from "./row-sums.ts";
import { validateTenantId } from "#model";

export interface MigrateOptions {
  readonly scope: BucketScope;
  /** Where segments go; undefined: into the object store in which the chunks are. */
  readonly target: ObjectStore | undefined;
  /** Only says what would be done. */
  readonly isDryRun: boolean;
  /** Chunks that cannot be read are left out and told, instead of failing their tenant's day. */
  readonly skipsDamaged: boolean;
  readonly signal: AbortSignal;
  readonly bounds?: PortionBounds;
  readonly onStream: (proof: StreamProof) => void;
  readonly onTenantDay: (done: MigratedDay) => void;
  /** Chunks read so far in the tenant and day at work. */
  readonly onProgress: (progress: MigrateProgress) => void;
}

export interface MigrateProgress {
  readonly tenant: string;
  readonly day: number;
  readonly chunks: number;
  readonly chunksTotal: number;
}

/** What became of one tenant's part of a table. */
export interface MigratedDay {
  readonly tenant: string;
  readonly day: number;
  /** `planned` in a dry run; `known` when an earlier run had done it. */
  readonly outcome: "done" | "known" | "planned" | "failed";
  readonly chunks: number;
  readonly segments: number;
  readonly streams: number;
  readonly sum: RowSum;
  readonly lineBytes: number;
  /** Why it failed. */
  readonly reason?: string;
  /** Chunks left out. */
  readonly damagedChunks: readonly string[];
}

export interface MigrateResult {
  readonly days: number;
  readonly tenantDays: number;
  readonly failed: number;
  readonly sum: RowSum;
  /** Tables whose tenants are all done, and those that lack some; in order of days. */
  readonly complete: readonly PlacedTable[];
  readonly incomplete: readonly PlacedTable[];
}

export async function migrateBucket(
  bucket: Bucket,
  options: MigrateOptions,
): Promise<MigrateResult> {
  const { scope, signal } = options;
  const complete: PlacedTable[] = [];
  const incomplete: PlacedTable[] = [];
  let [tenantDays, failed, sum] = [0, 0, noRows];
  // All tables in which a tenant of the scope may be; the day decides, not the tenant.
  const tables = await tablesOf(bucket, scope, signal);
  for (const placed of tables) {
    const done = await migrateTable(bucket, placed, options);
    for (const one of done.days) {
      tenantDays++;
      sum = addSums(sum, one.sum);
      if (one.outcome === "failed") failed++;
    }
    (done.isComplete ? complete : incomplete).push(placed);
  }
  return { days: tables.length, tenantDays, failed, sum, complete, incomplete };
}

/** Small tenants at work at a time; large ones have all the memory there is for this. */
const tenantsInFlightMax = 6;

interface PlannedTenant {
  readonly tenant: string;
  readonly plan: DayPlan;
}

interface DoneTable {
  readonly days: readonly MigratedDay[];
  readonly isComplete: boolean;
}

/**
 * A table with an index file that cannot be read fails as a whole: what that lists cannot be known.
 * One that is gone was merged meanwhile: then the table is listed again, once.
 */
async function migrateTable(
  bucket: Bucket,
  placed: PlacedTable,
  options: MigrateOptions,
): Promise<DoneTable> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await new TableMigration(bucket, placed, options).run();
    } catch (error) {
      if (isFirst && isStoreError(error, "missing")) continue;
      const failed = failedTable(placed, faultOf(error));
      options.onTenantDay(failed);
      return { days: [failed], isComplete: false };
    }
  }
}

class TableMigration {
  readonly #bucket: Bucket;
  readonly #placed: PlacedTable;
  readonly #options: MigrateOptions;
  readonly #table: TableIdentity;
  readonly #target: ObjectStore;
  readonly #shelf = new IndexShelf();
  readonly #bounds: PortionBounds;

  constructor(bucket: Bucket, placed: PlacedTable, options: MigrateOptions) {
    this.#bucket = bucket;
    this.#placed = placed;
    this.#options = options;
    this.#table = { place: placed.place.name, keyPrefix: placed.table.keyPrefix };
    this.#bounds = options.bounds ?? defaultPortionBounds;
    this.#target = options.target ?? placed.place.objects;
  }

  get #day(): number {
    return this.#placed.table.number;
  }

  async run(): Promise<DoneTable> {
    const { scope, signal, isDryRun, onTenantDay } = this.#options;
    const target = this.#target;
    const { files } = await filesOfTable(this.#placed, signal);
    const tenants = await this.#tenants(files);
    const days: MigratedDay[] = [];
    let isComplete = true;
    let entries = 0;
    const bounds = {
      tasksMax: tenantsInFlightMax,
      bytesMax: this.#bounds.bytesMax,
      bytesOf: ({ plan }: PlannedTenant) => plan.weightBytes,
    };
    await forEachBounded(this.#plans(tenants, files), bounds, async ({ tenant, plan }) => {
      if (hasTenant(scope, tenant)) {
        const done = await this.#tenant(tenant, plan);
        onTenantDay(done);
        days.push(done);
        entries += done.sum.count;
        isComplete &&= done.outcome === "done" || done.outcome === "known";
      } else {
        const known = await readTenantRecord(target, this.#table, tenant);
        isComplete &&= known?.isDone === true && known.digest === plan.digest;
        for (const portion of known?.portions ?? []) entries += portion?.sum.count ?? 0;
      }
    });
    if (isComplete && !isDryRun) {
      const indexKeys = files.map(({ key }) => key);
      await writeTableRecord(target, {
        ...this.#table,
        day: this.#day,
        tenants,
        indexKeys,
        entries,
      });
    }
    return { days, isComplete };
  }

  async #tenants(files: readonly TableFile[]): Promise<string[]> {
    const found = new Set<string>();
    for (const file of files) {
      if (file.tenant !== undefined) {
        found.add(file.tenant);
        continue;
      }
      const index = await this.#shelf.open(this.#placed, file, this.#options.signal);
      for (const tenant of tenantsOfFile(file, index)) found.add(tenant);
    }
    for (const tenant of found) this.#checkTenant(tenant);
    return [...found].sort();
  }

  /** An index file may name anything. */
  #checkTenant(tenant: string): void {
    try {
      validateTenantId(tenant);
    } catch (error) {
      const where = `index files of table ${this.#placed.table.name}`;
      throw new StoreError("corrupt", `${where}: ${messageOf(error)}`);
    }
  }

  async #plan(tenant: string, files: readonly TableFile[]): Promise<DayPlan> {
    const scope = { ...this.#options.scope, tenants: new Set([tenant]) };
    const chunks: ListedChunk[] = [];
    for (const file of files) {
      if (file.tenant !== undefined && file.tenant !== tenant) continue;
      const placed = this.#placed;
      const index = await this.#shelf.open(placed, file, this.#options.signal);
      for (const chunk of chunksOfFile(this.#bucket, { placed, file, index }, scope)) {
        chunks.push(chunk);
      }
      await nextTurn();
    }
    return planDay(chunks, { day: this.#day, bounds: this.#bounds });
  }

  async *#plans(
    tenants: readonly string[],
    files: readonly TableFile[],
  ): AsyncGenerator<PlannedTenant, void, undefined> {
    for (const tenant of tenants) yield { tenant, plan: await this.#plan(tenant, files) };
  }

  async #tenant(tenant: string, plan: DayPlan): Promise<MigratedDay> {
    const { isDryRun } = this.#options;
    const target = this.#target;
    const before = await readTenantRecord(target, this.#table, tenant);
    const isSame = before !== undefined && before.digest === plan.digest;
    const mayKeep = isSame && (before.damagedChunks.length === 0 || this.#options.skipsDamaged);
    if (mayKeep && before.isDone && (await this.#isThere(before))) {
      return factsOf(before, plan, { day: this.#day, outcome: "known" });
    }
    const portions = mayKeep ? await this.#kept(before) : [];
    const kept = mayKeep ? before.outdated : [];
    const outdated = before === undefined || mayKeep ? kept : await this.#outdated(before);
    const { digest } = plan;
    const start = { tenant, digest, portions, outdated, isDone: false };
    const record: TenantRecord = {
      ...start,
      damagedChunks: mayKeep ? before.damagedChunks : [],
    };
    if (isDryRun) {
      const facts = factsOf(record, plan, { day: this.#day, outcome: "planned" });
      return { ...facts, segments: plan.portions.length };
    }
    try {
      const done = await this.#portions(plan, record);
      return factsOf(done, plan, { day: this.#day, outcome: "done" });
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind === "unavailable") throw error;
      if (error.kind === "denied" || error.kind === "full") throw error;
      const facts = factsOf(record, plan, { day: this.#day, outcome: "failed" });
      return { ...facts, reason: error.message };
    }
  }

  /** Portions of a run that did not end, as far as their segments are there. */
  async #kept({ portions }: TenantRecord): Promise<TenantRecord["portions"]> {
    const { signal } = this.#options;
    const target = this.#target;
    const kept: TenantRecord["portions"][number][] = [];
    for (const portion of portions) {
      if (portion !== null && !(await target.head(portion.segmentKey, { signal }))) break;
      kept.push(portion);
    }
    return kept;
  }

  /** Whether the segments still hold what was migrated, themselves or merged into others. */
  async #isThere(record: TenantRecord): Promise<boolean> {
    const lacking: string[] = [];
    for (const portion of record.portions) {
      if (portion === null) continue;
      const { segmentKey } = portion;
      const found = await this.#target.head(segmentKey, { signal: this.#options.signal });
      if (found === undefined) lacking.push(segmentKey);
    }
    if (lacking.length === 0) return true;
    const { replaced } = await this.#descendants(record, lacking);
    return lacking.every((key) => replaced.has(parseSegmentKey(key).id));
  }

  /** Segments of an earlier run, and what they were merged into. */
  async #outdated(before: TenantRecord): Promise<string[]> {
    const own = before.portions.flatMap((portion) => portion?.segmentKey ?? []);
    const { keys, foreign } = await this.#descendants(before, own);
    if (foreign !== undefined) {
      throw new StoreError(
        "denied",
        `${foreign}: segments migrated from ${this.#table.keyPrefix} of tenant ${before.tenant} ` +
          "were merged with others, but the table has other chunks now: they cannot be told apart",
      );
    }
    return [...new Set([...before.outdated, ...own, ...keys])];
  }

  /**
   * Merged segments that stand for these. `foreign` is one that stands for others as well. With
   * merges of merges, each round finds one more generation.
   */
  async #descendants(
    { tenant }: TenantRecord,
    own: readonly string[],
  ): Promise<{ keys: string[]; replaced: Set<string>; foreign: string | undefined }> {
    const segments = new SegmentStore({ objects: this.#target });
    const merged = (await segments.segments(tenant)).filter(
      ({ day, replacesCount }) => day === this.#day && replacesCount > 0,
    );
    const ids = new Set(own.map((key) => parseSegmentKey(key).id));
    const replaced = new Set<string>();
    const keys: string[] = [];
    let foreign: string | undefined;
    // Ids begin with the time of making: whoever replaces another is younger.
    for (const segment of merged.sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const replaces = await this.#replacesOf(segment);
      const ours = replaces.filter((id) => ids.has(id));
      if (ours.length === 0) continue;
      if (ours.length < replaces.length) foreign ??= segment.key;
      for (const id of ours) replaced.add(id);
      ids.add(segment.id);
      keys.push(segment.key);
    }
    return { keys, replaced, foreign };
  }

  async #replacesOf({ key, bodyBytes, footerBytes }: ListedSegment): Promise<readonly string[]> {
    const { signal } = this.#options;
    const target = this.#target;
    const range = { from: bodyBytes, to: bodyBytes + footerBytes };
    const bytes = await target.get(key, { range, signal });
    return decodeFooter({ name: key, bytes, bodyBytes }).info.replaces;
  }

  async #portions(plan: DayPlan, start: TenantRecord): Promise<TenantRecord> {
    const { signal, skipsDamaged, onProgress, onStream } = this.#options;
    const target = this.#target;
    const { tenant, digest } = start;
    const day = this.#day;
    const portions = [...start.portions];
    const damaged = new Set(start.damagedChunks);
    const chunksTotal = plan.portions.reduce((sum, portion) => sum + chunksIn(portion), 0);
    let chunks = plan.portions
      .slice(0, portions.length)
      .reduce((sum, portion) => sum + chunksIn(portion), 0);
    const recordNow = (isDone: boolean): TenantRecord => ({
      ...start,
      portions: [...portions],
      outdated: isDone ? [] : start.outdated,
      isDone,
      damagedChunks: [...damaged],
    });
    const proofs = new StreamProofs(onStream);
    for (const [number, portion] of plan.portions.entries()) {
      const known = portions[number];
      if (number < portions.length) {
        // Of portions with more streams only the sum was kept.
        const [only, ...others] = portion.streams;
        if (known && only !== undefined && others.length === 0) {
          proofs.add({ tenant, day, labels: only.labels, sum: known.sum });
        }
        continue;
      }
      signal.throwIfAborted();
      const job = { tenant, day, digest, number, portion };
      const migrated = await migratePortion(job, {
        target,
        signal,
        onStream: (proof) => proofs.add(proof),
        onDamaged: skipsDamaged ? (key) => damaged.add(key) : undefined,
        onChunk: () => {
          onProgress({ tenant, day, chunks: ++chunks, chunksTotal });
        },
      });
      portions.push(migrated ?? null);
      await writeTenantRecord(target, this.#table, recordNow(false));
    }
    proofs.end();
    const current = new Set(portions.flatMap((portion) => portion?.segmentKey ?? []));
    for (const key of start.outdated) {
      if (!current.has(key)) await target.delete(key, { signal });
    }
    const done = recordNow(true);
    await writeTenantRecord(target, this.#table, done);
    return done;
  }
}

function chunksIn({ streams }: DayPlan["portions"][number]): number {
  return streams.reduce((sum, { chunks }) => sum + chunks.length, 0);
}

function factsOf(
  record: TenantRecord,
  { chunkCount, streamCount }: DayPlan,
  what: { day: number; outcome: MigratedDay["outcome"] },
): MigratedDay {
  const { tenant, damagedChunks } = record;
  const portions = record.portions.filter((portion) => portion !== null);
  return {
    ...what,
    tenant,
    damagedChunks,
    chunks: chunkCount,
    segments: portions.length,
    streams: streamCount,
    lineBytes: portions.reduce((sum, portion) => sum + portion.lineBytes, 0),
    sum: portions.reduce((sum, portion) => addSums(sum, portion.sum), noRows),
  };
}

/** Stands for the tenant where it is not known; no tenant can have this name. */
const anyTenant = "(all)";

function failedTable({ table }: PlacedTable, reason: string): MigratedDay {
  const nothing = { chunks: 0, segments: 0, streams: 0, lineBytes: 0, sum: noRows };
  const what = { tenant: anyTenant, day: table.number, outcome: "failed" } as const;
  return { ...what, ...nothing, reason, damagedChunks: [] };
}

/** A fat stream has several portions, one after the other: what they have together is told. */
class StreamProofs {
  readonly #tell: (proof: StreamProof) => void;
  #pending: StreamProof | undefined;

  constructor(tell: (proof: StreamProof) => void) {
    this.#tell = tell;
  }

  add(proof: StreamProof): void {
    const before = this.#pending;
    if (before !== undefined && before.labels.key === proof.labels.key) {
      this.#pending = { ...proof, sum: addSums(before.sum, proof.sum) };
      return;
    }
    this.end();
    this.#pending = proof;
  }

  end(): void {
    if (this.#pending !== undefined) this.#tell(this.#pending);
    this.#pending = undefined;
  }
}
