import { isStoreError, RequestError } from "#base";
import type { QueryEngine, QueryRequest, QueryResult, QueryStats } from "#query";
import { addPiece, encodePiece } from "./cached-piece.ts";
import type { DataVersions, VersionsAtOnce } from "./interval-versions.ts";
import { dataRange } from "./query-shape.ts";
import { noStats, sumStats } from "./query-stats.ts";
import type { ResultsCache } from "./results-cache.ts";
import { type Piece, runsFor, type SplitQuery, type StepRange } from "./split-range.ts";
import { StepColumns } from "./step-columns.ts";

/** Runs a request that computes something, in its turn. */
export type RunInTurn = (
  request: QueryRequest,
  work: (request: QueryRequest) => Promise<QueryResult>,
) => Promise<QueryResult>;

export interface CachedRangeOptions {
  readonly engine: QueryEngine;
  readonly cache: ResultsCache;
  readonly versions: DataVersions;
  /** What else decides the answer, such as the version of this program. */
  readonly generation: string;
}

/** A metric range query that was cut into pieces. */
export interface CutQuery {
  readonly request: QueryRequest;
  /** As printed. */
  readonly text: string;
  readonly split: SplitQuery;
}

/**
 * Answers a metric range query from remembered pieces and computes the others. The answer is that
 * of the engine: where pieces cannot say it, the engine is asked for the whole.
 */
export class CachedRange {
  readonly #options: CachedRangeOptions;

  constructor(options: CachedRangeOptions) {
    this.#options = options;
  }

  async run(query: CutQuery, inTurn: RunInTurn): Promise<QueryResult> {
    const { engine, cache } = this.#options;
    const { request, split } = query;
    await this.#check(request);
    const before = await this.#versions(query);
    const wanted = split.pieces.map((piece) => this.#wanted(query, piece, before));
    const found = await Promise.all(
      wanted.map(async (piece) => (piece === undefined ? undefined : await cache.get(piece))),
    );
    const missing = split.pieces.filter((_, i) => found[i] === undefined);
    const runs = missing.length === 0 ? [] : runsFor(split, missing);
    const [only] = runs;
    const whole = (): Promise<QueryResult> => inTurn(wholeOf(query), (asked) => engine.run(asked));
    const computesAll = only?.firstNs === split.firstNs && only.lastNs === split.lastNs;
    if (computesAll) return this.#keep(query, await whole(), before);

    const columns = new StepColumns(split, split.stepNs);
    if (!addPieces(found, columns, split.pieces)) return whole();
    const results: QueryResult[] = [];
    if (runs.length > 0) {
      const computed = await this.#compute(query, runs, { columns, inTurn });
      if (computed === undefined) return whole();
      results.push(computed);
    }
    const max = request.limits.maxQuerySeries;
    if (max > 0 && columns.seriesCount > max) return whole();
    const isComplete = results.every(({ warnings }) => warnings.length === 0);
    if (isComplete) await this.#keepPieces(query, columns, { before, pieces: missing });
    return {
      data: { kind: "matrix", series: columns.answer() },
      stats: { ...(results[0]?.stats ?? noStats), splits: split.pieces.length },
      warnings: results.flatMap(({ warnings }) => warnings),
    };
  }

  /** Throws what the engine would: of no tenant it reads nothing, but says what is wrong. */
  async #check(request: QueryRequest): Promise<void> {
    await this.#options.engine.run({ ...request, tenants: request.tenants.map(() => "") });
  }

  #versions({ request, split }: CutQuery): Promise<VersionsAtOnce> {
    const tenants = request.tenants.filter((tenant) => tenant !== "");
    return this.#options.versions.at(tenants, dataRange(split, split.reach));
  }

  #wanted(
    query: CutQuery,
    piece: Piece,
    versions: VersionsAtOnce,
  ): (StepRange & { key: string; dataVersion: string }) | undefined {
    if (!piece.isClosed) return undefined;
    const { firstNs, lastNs } = piece;
    const dataVersion = versions.of(dataRange(piece, query.split.reach));
    return { firstNs, lastNs, key: this.#keyOf(query, piece), dataVersion };
  }

  #keyOf({ request, text, split }: CutQuery, { interval }: Piece): string {
    const { stepNs, intervalNs } = split;
    const numbers = [stepNs, intervalNs, interval].join(" ");
    return JSON.stringify([this.#options.generation, request.tenants, text, numbers]);
  }

  /** Undefined when the engine has to be asked for the whole. */
  #compute(
    { request, split }: CutQuery,
    runs: readonly StepRange[],
    { columns, inTurn }: { columns: StepColumns; inTurn: RunInTurn },
  ): Promise<QueryResult | undefined> {
    const { stepNs } = split;
    // That the query is not too long was checked, and steps may lie outside of its range.
    const limits = { ...request.limits, maxQueryLookbackMs: 0, maxQueryLengthMs: 0 };
    const span = { fromNs: runs[0]!.firstNs, toNs: runs.at(-1)!.lastNs };
    let isWhole = true;
    const result = inTurn({ ...request, ...span, stepNs, limits }, async (asked) => {
      const stats: QueryStats[] = [];
      const warnings = new Set<string>();
      for (const run of runs) {
        const part = { ...asked, fromNs: run.firstNs, toNs: run.lastNs };
        const answer = await this.#options.engine.run(part);
        stats.push(answer.stats);
        for (const warning of answer.warnings) warnings.add(warning);
        const { data } = answer;
        isWhole &&= data.kind === "matrix" && columns.addAnswer(data.series, run);
        if (!isWhole) break;
      }
      return {
        data: { kind: "matrix", series: [] },
        stats: sumStats(stats),
        warnings: [...warnings],
      };
    });
    return result.then(
      (done) => (isWhole ? done : undefined),
      (error: unknown) => {
        // The engine may put it otherwise when it sees all of the query.
        if (error instanceof RequestError && error.status === 400) return undefined;
        throw error;
      },
    );
  }

  /** Remembers the pieces of an answer that was computed as a whole. */
  async #keep(query: CutQuery, result: QueryResult, before: VersionsAtOnce): Promise<QueryResult> {
    const { split } = query;
    const { data, warnings } = result;
    if (data.kind !== "matrix" || warnings.length > 0) return result;
    if (!split.pieces.some(({ isClosed }) => isClosed)) return result;
    const columns = new StepColumns(split, split.stepNs);
    if (!columns.addAnswer(data.series, split)) return result;
    await this.#keepPieces(query, columns, { before, pieces: split.pieces });
    return result;
  }

  /** Only what was computed from the data as it was before and still is. */
  async #keepPieces(
    query: CutQuery,
    columns: StepColumns,
    { before, pieces }: { before: VersionsAtOnce; pieces: readonly Piece[] },
  ): Promise<void> {
    const { cache } = this.#options;
    const { stepNs, reach } = query.split;
    const closed = pieces.filter(({ isClosed }) => isClosed);
    if (closed.length === 0) return;
    const after = await this.#versions(query);
    for (const piece of closed) {
      const dataVersion = before.of(dataRange(piece, reach));
      if (after.of(dataRange(piece, reach)) !== dataVersion) continue;
      const { firstNs, lastNs } = piece;
      const key = this.#keyOf(query, piece);
      cache.put(key, encodePiece({ key, dataVersion, firstNs, lastNs, stepNs }, columns));
    }
  }
}

/** The lookback moves the start once, so that all agree on the steps. */
function wholeOf({ request, split }: CutQuery): QueryRequest {
  const { fromNs, stepNs } = split;
  if (fromNs === request.fromNs) return request;
  return { ...request, fromNs, stepNs, limits: { ...request.limits, maxQueryLookbackMs: 0 } };
}

/** False, with some of them added, when one of them is not what its checksum says. */
function addPieces(
  found: readonly (Buffer | undefined)[],
  columns: StepColumns,
  pieces: readonly Piece[],
): boolean {
  try {
    for (const [i, bytes] of found.entries()) {
      if (bytes !== undefined) addPiece(bytes, columns, pieces[i]!);
    }
    return true;
  } catch (error) {
    if (isStoreError(error, "corrupt")) return false;
    throw error;
  }
}
