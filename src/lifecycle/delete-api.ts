/**
 * What clients may ask about deletes, in Loki's words: texts and order of the checks are Loki's, as
 * recorded in test/conformance.
 */
import { nsPerMs, RequestError } from "#base";
import type { LimitsByTenant } from "#config";
import { formatGoDuration, parseGoDuration, parseRfc3339Nano } from "#gofmt";
import type { Clock } from "#world";
import type { DeleteBook } from "./delete-book.ts";
import { type DeleteRequest, parseDeleteQuery } from "./delete-request.ts";

export interface DeleteApiOptions {
  readonly book: DeleteBook;
  readonly limits: LimitsByTenant;
  readonly clock: Clock;
  /** compactor.delete_request_cancel_period */
  readonly cancelPeriodMs: number;
  /** compactor.delete_max_interval; 0: none. */
  readonly maxIntervalMs: number;
}

/** Parameters as they came; empty: not given. */
export interface DeleteParameters {
  readonly query: string;
  readonly start: string;
  readonly end: string;
  readonly maxInterval: string;
}

/** Throws RequestError 400, 403 or 404. */
export class DeleteApi {
  readonly #options: DeleteApiOptions;

  constructor(options: DeleteApiOptions) {
    this.#options = options;
  }

  async create(tenant: string, parameters: DeleteParameters): Promise<DeleteRequest> {
    this.#checkMode(tenant);
    const nowMs = this.#options.clock.nowMs();
    const { query } = parameters;
    if (query === "") throw new RequestError(400, "query not set");
    const log = parseDeleteQuery(query);
    if (log === undefined) throw new RequestError(400, "invalid query expression");
    const startMs = startOf(parameters.start);
    const endMs = endOf(parameters.end, nowMs);
    if (endMs > nowMs) throw new RequestError(400, "deletes in the future are not allowed");
    if (startMs >= endMs) {
      throw new RequestError(400, "start time can't be greater than or equal to end time");
    }
    if (log.stages.length > 0) this.#checkInterval(parameters.maxInterval, endMs - startMs);
    return this.#options.book.add({ tenant, query, startMs, endMs });
  }

  /**
   * Loki cuts requests with stages into pieces of this length. Skald need not, and checks it all
   * the same.
   */
  #checkInterval(text: string, spanMs: number): void {
    if (text === "") return;
    const { maxIntervalMs } = this.#options;
    const ms = durationMsOf(text);
    if (ms === undefined || ms < 1000) {
      throw new RequestError(400, "invalid max_interval: valid time units are 's', 'm', 'h'");
    }
    if (maxIntervalMs > 0 && ms > maxIntervalMs) {
      const most = goDuration(maxIntervalMs);
      throw new RequestError(400, `max_interval can't be greater than ${most}`);
    }
    if (ms > spanMs) {
      const span = goDuration(spanMs);
      throw new RequestError(
        400,
        `max_interval can't be greater than the interval to be deleted (${span})`,
      );
    }
  }

  /** Those whose times overlap the range, when one is given; `end` is now when only `start` is. */
  async list(
    tenant: string,
    parameters: Pick<DeleteParameters, "start" | "end">,
  ): Promise<DeleteRequest[]> {
    this.#checkMode(tenant);
    const { start, end } = parameters;
    const nowMs = this.#options.clock.nowMs();
    const fromMs = start === "" ? Number.NEGATIVE_INFINITY : startOf(start);
    const toMs = end === "" ? (start === "" ? Infinity : nowMs) : endOf(end, nowMs);
    const all = await this.#options.book.list(tenant);
    return all.filter(({ startMs, endMs }) => startMs <= toMs && endMs >= fromMs);
  }

  async cancel(tenant: string, id: string, force: boolean): Promise<void> {
    this.#checkMode(tenant);
    const { book, clock, cancelPeriodMs } = this.#options;
    const request = await book.find(tenant, id);
    if (request === undefined) {
      throw new RequestError(404, "could not find delete request with given id");
    }
    const isBegun = request.begunMs !== undefined;
    if (request.state !== "received") {
      throw new RequestError(
        400,
        "deletion of request which is in process or already processed is not allowed",
      );
    }
    if (isBegun && !force) {
      throw new RequestError(
        400,
        "Unable to cancel partially completed delete request. To force, use the ?force query parameter",
      );
    }
    if (!force && clock.nowMs() - request.createdMs > cancelPeriodMs) {
      throw new RequestError(
        400,
        `deletion of request past the deadline of ${goDuration(cancelPeriodMs)} ` +
          "since its creation is not allowed",
      );
    }
    const isFree = (now: DeleteRequest): boolean => now.state === "received";
    if (!(await book.remove({ tenant, id }, isFree))) {
      throw new RequestError(
        400,
        "deletion of request which is in process or already processed is not allowed",
      );
    }
  }

  /**
   * Changes whenever what is hidden from the tenant does: decimal nanoseconds, empty when it never
   * did.
   */
  async cacheGeneration(tenant: string): Promise<string> {
    await this.#options.book.load();
    const changedNs = this.#options.book.changedNs(tenant);
    return changedNs === 0n ? "" : changedNs.toString();
  }

  #checkMode(tenant: string): void {
    if (this.#options.limits.for(tenant).deletionMode !== "disabled") return;
    throw new RequestError(403, "deletion is not available for this tenant");
  }
}

const unixSecondsDigits = 10;

/** Unix seconds of ten digits or RFC 3339: the only forms Loki takes here. */
function timeMsOf(text: string): number | undefined {
  if (/^[0-9]+$/.test(text)) {
    return text.length === unixSecondsDigits ? Number(text) * 1000 : undefined;
  }
  try {
    return Number(parseRfc3339Nano(text) / nsPerMs);
  } catch {
    return undefined;
  }
}

function startOf(text: string): number {
  if (text === "") throw new RequestError(400, "start time not set");
  const ms = timeMsOf(text);
  if (ms !== undefined) return ms;
  throw new RequestError(400, "invalid start time: require unix seconds or RFC3339 format");
}

function endOf(text: string, nowMs: number): number {
  if (text === "") return nowMs;
  const ms = timeMsOf(text);
  if (ms !== undefined) return ms;
  throw new RequestError(400, "invalid end time: require unix seconds or RFC3339 format");
}

function durationMsOf(text: string): number | undefined {
  try {
    return Number(parseGoDuration(text)) / Number(nsPerMs);
  } catch {
    return undefined;
  }
}

function goDuration(ms: number): string {
  return formatGoDuration(BigInt(ms) * nsPerMs);
}
