// The websocket of a live tail: opens it, opens it again when it breaks, each time from where it was, and
// says what it does. Waits between tries grow; a refusal that will not change ends it.
import { accessHeaders } from "../state/access.ts";
import { apiUrl, ApiError, reasonOf } from "../api/client.ts";
import { askRange } from "../api/questions.ts";
import type { Labels, StreamAnswer } from "../api/types.ts";

export type TailState = "connecting" | "live" | "waiting" | "refused" | "closed";

export interface TailFrame {
  readonly streams: readonly StreamAnswer[];
  readonly dropped_entries?:
    | readonly { readonly timestamp: string; readonly labels: Labels }[]
    | null;
}

export interface TailEvents {
  readonly onState: (state: TailState, reason: string) => void;
  readonly onFrame: (frame: TailFrame) => void;
  /** Where to go on after a break, decimal nanoseconds; empty to begin with what is new. */
  readonly resumeFrom: () => string;
}

const retryFirstMs = 500;
const retryMax = 30_000;
/** A connection that held this long was a good one: the next wait begins anew. */
const goodAfterMs = 10_000;
/** What the server sends of the past at first. */
const historyFirst = 500;
/** After a break: as many as are shown at most, so what is shown has no gap. */
export const historyMax = 5_000;
/** How far back the first lines may lie. */
const lookBackMs = 3_600_000;

export class TailConnection {
  readonly #query: string;
  readonly #events: TailEvents;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitMs = retryFirstMs;
  #isClosed = false;

  constructor(query: string, events: TailEvents) {
    this.#query = query;
    this.#events = events;
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#events.onState("closed", "");
  }

  /** Does not wait any longer. */
  retryNow(): void {
    if (this.#isClosed || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  #open(): void {
    this.#timer = undefined;
    this.#events.onState("connecting", "");
    const from = this.#events.resumeFrom();
    const start = from === "" ? `${Date.now() - lookBackMs}000000` : from;
    const limit = from === "" ? historyFirst : historyMax;
    const socket = new WebSocket(tailUrl(this.#query, start, limit));
    this.#socket = socket;
    let openedMs = 0;
    socket.addEventListener("open", () => {
      openedMs = performance.now();
      this.#events.onState("live", "");
    });
    socket.addEventListener("message", ({ data }) => {
      if (!this.#isClosed) this.#events.onFrame(JSON.parse(String(data)) as TailFrame);
    });
    socket.addEventListener("close", ({ reason }) => {
      if (this.#isClosed || this.#socket !== socket) return;
      const wasOpen = openedMs > 0;
      if (wasOpen && performance.now() - openedMs > goodAfterMs) this.#waitMs = retryFirstMs;
      void this.#afterClose(reason, wasOpen);
    });
  }

  async #afterClose(reason: string, wasOpen: boolean): Promise<void> {
    const refusal = wasOpen ? "" : await refusalOf(this.#query);
    if (this.#isClosed) return;
    if (refusal !== "") {
      this.#events.onState("refused", refusal);
      return;
    }
    const waitMs = this.#waitMs * (0.75 + Math.random() / 2);
    this.#waitMs = Math.min(this.#waitMs * 2, retryMax);
    this.#events.onState("waiting", reason);
    this.#timer = setTimeout(() => this.#open(), waitMs);
  }
}

/** A browser's websocket has no headers: what they would say stands in the address. */
function tailUrl(query: string, start: string, limit: number): string {
  const tenant = accessHeaders.peek()["X-Scope-OrgID"];
  const flags = "categorize-labels";
  const url = new URL(apiUrl("loki/api/v1/tail", { query, start, limit, flags, tenant }));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A browser does not tell why it was not let in: the same query asked plainly does. */
async function refusalOf(query: string): Promise<string> {
  const nowMs = Date.now();
  try {
    await askRange({ query, range: { fromMs: nowMs - 1000, toMs: nowMs }, limit: 1 });
    return "";
  } catch (error) {
    const isFinal = error instanceof ApiError && error.status >= 400 && error.status < 500;
    return isFinal && error.status !== 429 ? reasonOf(error) : "";
  }
}
