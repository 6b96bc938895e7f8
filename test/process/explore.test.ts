import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { need } from "../../scripts/debian-servers.ts";
import { startSkald } from "../support/skald-process.ts";

const program = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "skald");
const withinMs = 15_000;
const { isThere, reason } = need(["tmux"]);
const skip = isThere ? false : reason;

/** A real pseudo-terminal of 80 × 24 that runs one command, then a shell's `cat`. */
class Terminal implements Disposable {
  readonly #socket = `skald-test-${process.pid}`;

  constructor(command: string) {
    this.#tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", `${command}; cat`);
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync("tmux", ["-L", this.#socket, ...args], { encoding: "utf8" });
  }

  keys(...keys: readonly string[]): void {
    this.#tmux("send-keys", ...keys);
  }

  text(text: string): void {
    this.#tmux("send-keys", "-l", text);
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  screen(): string {
    return this.#tmux("capture-pane", "-p");
  }

  isAlternate(): boolean {
    return this.#tmux("display-message", "-p", "#{alternate_on}").trim() === "1";
  }

  /** Processes of the pane's own. */
  pane(): number {
    return Number(this.#tmux("display-message", "-p", "#{pane_pid}"));
  }

  async until(shows: RegExp): Promise<string> {
    for (let spentMs = 0; spentMs < withinMs; spentMs += 50) {
      const screen = this.screen();
      if (shows.test(screen)) return screen;
      await sleep(50);
    }
    throw new Error(`the screen never shows ${shows}:\n${this.screen()}`);
  }

  [Symbol.dispose](): void {
    this.#tmux("kill-server");
  }
}

async function push(url: string, lines: readonly string[]): Promise<void> {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const values = lines.map((line, i) => [String(nowNs - BigInt(lines.length - i)), line]);
  const body = JSON.stringify({ streams: [{ stream: { app: "shop", env: "prod" }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/loki/api/v1/push`, { method: "POST", headers, body });
  assert.equal(answer.status, 204, await answer.text());
}

test("explore: search, unfold, filter, context, tail, resize, and a clean end", {
  skip,
}, async () => {
  await using server = await startSkald();
  const lines = Array.from({ length: 60 }, (_, i) => {
    return `level=${i % 10 === 3 ? "error" : "info"} msg="order ${i}"`;
  });
  await push(server.url, lines);
  using terminal = new Terminal(
    `LOKI_ADDR=${server.url} ${program} explore -z UTC '{app="shop"}'; echo "ended $?"`,
  );
  const first = await terminal.until(/order 59/);
  assert.match(first, /^ \{app="shop"\} +last 1h/);
  await terminal.until(/error 6 {2}info 54/);
  assert.match(first, /60\/60/);

  terminal.text("/order 33");
  terminal.keys("Enter");
  await terminal.until(/34\/60/);
  terminal.keys("Enter");
  const unfolded = await terminal.until(/ label +env +prod/);
  assert.match(unfolded, / metadata +detected_level +error/);
  assert.match(unfolded, / field +msg +order 33/);
  terminal.text("jjj");
  terminal.text("+");
  await terminal.until(/\{app="shop"\} \| detected_level="error" +last 1h/);
  await terminal.until(/6\/6/);

  terminal.text("c");
  const around = await terminal.until(/^ \{.* context$/m);
  assert.match(around, /order 52[^]*order 53[^]*order 54/);
  terminal.keys("Escape");
  await terminal.until(/6\/6/);

  terminal.text("e");
  terminal.keys("C-u");
  terminal.text('{app="shop"} != "order 1"');
  terminal.keys("Enter");
  await terminal.until(/49\/49/);
  terminal.text("t");
  await terminal.until(/tailing/);
  await sleep(300);
  await push(server.url, ["level=warn msg=fresh"]);
  await terminal.until(/msg=fresh[^]*50\/50/);

  terminal.resize(100, 12);
  const small = await terminal.until(/msg=fresh[^]*50\/50/);
  assert.equal(small.trimEnd().split("\n").length, 12);
  terminal.text("e");
  terminal.keys("C-u");
  terminal.text("{app=}");
  terminal.keys("Enter");
  await terminal.until(/parse error|syntax error/);

  assert.equal(terminal.isAlternate(), true);
  terminal.text("q");
  await terminal.until(/^ended 0/m);
  assert.equal(terminal.isAlternate(), false);
});

test("explore: SIGTERM gives the terminal back", { skip }, async () => {
  await using server = await startSkald();
  const command = `LOKI_ADDR=${server.url} ${program} explore '{app="none"}'; echo "ended $?"`;
  using terminal = new Terminal(command);
  await terminal.until(/no lines in this range/);
  const children = execFileSync("pgrep", ["-P", String(terminal.pane())], { encoding: "utf8" });
  for (const pid of children.trim().split("\n")) process.kill(Number(pid), "SIGTERM");
  await terminal.until(/^ended 0/m);
  assert.equal(terminal.isAlternate(), false);
});
