/** The explorer's loop: keys and answers change the state, the state is drawn. */
import { messageOf } from "#base";
import type { GoZone } from "#gofmt";
import { listOf, objectOf } from "./answers.ts";
import { readCategorizedStreams } from "./categorized-entries.ts";
import { Interrupted } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { inTime, loadContext, loadHistogram, loadLines, rangeOf } from "./explore-data.ts";
import { keysOf } from "./explore-keys.ts";
import { linesVisible, screenLines } from "./explore-screen.ts";
import {
  type ExploreState,
  initialState,
  press,
  type Wish,
  withOlder,
  withTail,
} from "./explore-state.ts";
import type { HttpClient } from "./http-client.ts";
import { followTail } from "./tail-client.ts";
import type { TerminalPort } from "./terminal-port.ts";

export interface ExplorerOptions {
  readonly client: HttpClient;
  readonly io: CliIo;
  readonly terminal: TerminalPort;
  readonly zone: GoZone;
  readonly query: string;
  readonly since: string;
}

/** A busy tail draws this often at most; more is not seen, and costs a slow line. */
const drawEveryMs = 50;

export class Explorer {
  readonly #options: ExplorerOptions;
  readonly #done: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #tasks = new Set<Promise<void>>();
  #state: ExploreState;
  #drawn: readonly string[] = [];
  #cancelDraw: (() => void) | undefined;
  /** Answers to older questions than this one are not shown. */
  #question = 0;
  /** The terminal is somebody else's again. */
  #hasLeft = false;
  #tail: AbortController | undefined;

  constructor(options: ExplorerOptions) {
    this.#options = options;
    this.#state = initialState(options.query, options.since);
  }

  /** Until the user quits or the process is asked to end; the terminal is as before. */
  async run(): Promise<void> {
    const { terminal, io } = this.#options;
    const stop = (): void => this.#done.resolve();
    io.interrupted.addEventListener("abort", stop, { once: true });
    const leave = terminal.enter({
      input: (text) => this.#take(text),
      resize: () => {
        this.#drawn = [];
        terminal.write("\u001b[2J");
        this.#draw();
      },
    });
    try {
      this.#draw();
      if (this.#state.query !== "") this.#wish("load");
      await this.#done.promise;
    } finally {
      this.#tail?.abort(new Interrupted());
      this.#cancelDraw?.();
      this.#question++;
      this.#hasLeft = true;
      leave();
      io.interrupted.removeEventListener("abort", stop);
    }
  }

  #take(text: string): void {
    for (const key of keysOf(text)) {
      const page = linesVisible(this.#state, this.#options.terminal.rows);
      try {
        const { state, wish } = press(this.#state, key, page);
        this.#state = state;
        if (wish !== undefined) this.#wish(wish);
      } catch (error) {
        this.#say(messageOf(error));
      }
    }
    this.#draw();
  }

  #wish(wish: Wish): void {
    switch (wish) {
      case "quit":
        this.#done.resolve();
        return;
      case "load":
        this.#stopTail();
        this.#start(() => this.#load());
        return;
      case "older":
        this.#start(() => this.#older());
        return;
      case "context":
        this.#start(() => this.#context());
        return;
      case "tail":
        this.#start(() => this.#follow());
        return;
      case "stopTail":
        this.#stopTail();
        return;
      default:
        wish satisfies never;
    }
  }

  /** What fails is said in the bottom line; the explorer goes on. */
  #start(work: () => Promise<void>): void {
    const task = work()
      .catch((error: unknown) => {
        if (!(error instanceof Interrupted)) this.#say(messageOf(error).split("\n")[0]!);
      })
      .finally(() => {
        this.#tasks.delete(task);
        this.#draw();
      });
    this.#tasks.add(task);
  }

  #say(message: string): void {
    this.#state = { ...this.#state, message, isLoading: false };
    this.#draw();
  }

  async #load(): Promise<void> {
    const { client, io } = this.#options;
    const question = ++this.#question;
    const range = rangeOf(this.#state, io.clock.nowNs());
    const { query } = this.#state;
    this.#state = { ...this.#state, isLoading: true, histogram: undefined, message: "" };
    const histogram = this.#state.hasHistogram
      ? loadHistogram(client, query, range).catch(() => undefined)
      : Promise.resolve(undefined);
    const entries = await loadLines(client, query, range);
    if (question !== this.#question) return;
    const selected = Math.max(0, entries.length - 1);
    this.#state = { ...this.#state, entries, selected, isLoading: false, before: undefined };
    this.#draw();
    const found = await histogram;
    if (question === this.#question) this.#state = { ...this.#state, histogram: found };
  }

  async #older(): Promise<void> {
    const { client, io } = this.#options;
    const first = this.#state.entries[0];
    if (first === undefined || this.#state.isLoading) return;
    const question = this.#question;
    this.#state = { ...this.#state, isLoading: true };
    const { fromNs } = rangeOf(this.#state, io.clock.nowNs());
    const older = await loadLines(client, this.#state.query, { fromNs, toNs: first.timeNs + 1n });
    if (question !== this.#question) return;
    this.#state = { ...withOlder(this.#state, older), isLoading: false };
  }

  async #context(): Promise<void> {
    const entry = this.#state.entries[this.#state.selected];
    if (entry === undefined) return;
    const question = ++this.#question;
    const before = this.#state.before ?? { ...this.#state, isLoading: false };
    this.#state = { ...this.#state, isLoading: true };
    const { entries, selected } = await loadContext(this.#options.client, this.#state.query, entry);
    if (question !== this.#question) return;
    this.#state = { ...this.#state, entries, selected, before, isLoading: false };
  }

  #stopTail(): void {
    this.#tail?.abort(new Interrupted());
    this.#tail = undefined;
    this.#state = { ...this.#state, isTailing: false };
  }

  async #follow(): Promise<void> {
    const { client, io } = this.#options;
    const stop = new AbortController();
    this.#tail = stop;
    const { entries, query } = this.#state;
    const fromNs = (entries.at(-1)?.timeNs ?? io.clock.nowNs()) + 1n;
    this.#state = { ...this.#state, isTailing: true, selected: Math.max(0, entries.length - 1) };
    const interrupted = AbortSignal.any([io.interrupted, stop.signal]);
    const params = new URLSearchParams({ query, start: String(fromNs), limit: "1000" });
    try {
      const ended = await followTail({
        client,
        io: { ...io, interrupted },
        params,
        onOpen: () => undefined,
        onFrame: async (text) => this.#frame(text),
      });
      if (this.#tail === stop) this.#say(`the tail ended: ${ended.message}; t starts it again`);
    } finally {
      if (this.#tail === stop) this.#stopTail();
    }
  }

  #frame(text: string): void {
    const frame = objectOf(JSON.parse(text), "a frame of the tail");
    const fresh = inTime(readCategorizedStreams(frame["streams"]));
    this.#state = withTail(this.#state, fresh);
    const dropped = listOf(frame["dropped_entries"], "dropped_entries").length;
    if (dropped > 0) this.#say(`the server dropped ${dropped} lines, this reader was too slow`);
    this.#cancelDraw ??= this.#options.io.clock.schedule(drawEveryMs, () => this.#draw());
  }

  /** Writes only lines that changed; erased first, since behind a full one the last cell would go. */
  #draw(): void {
    this.#cancelDraw?.();
    this.#cancelDraw = undefined;
    if (this.#hasLeft) return;
    const { terminal, zone, io } = this.#options;
    const hasColour = (io.env["NO_COLOR"] ?? "") === "";
    const { columns, rows } = terminal;
    const lines = screenLines(this.#state, { columns, rows, zone, hasColour });
    let text = "";
    for (const [row, line] of lines.entries()) {
      if (line !== this.#drawn[row]) text += `\u001b[${row + 1};1H\u001b[0m\u001b[K${line}`;
    }
    this.#drawn = lines;
    if (text !== "") terminal.write(text);
  }
}
