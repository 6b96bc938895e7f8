/**
 * The always-linear matcher: Thompson's construction run by Pike's machine, all states of one
 * position at a time, in order of preference. Time is at most text length × program size. Source:
 * https://swtch.com/~rsc/regexp/regexp2.html. It is slower than the engine's own by far and is used
 * only where that cannot give RE2's answer in linear time.
 */
import { type CodePoints, contains } from "./code-points.ts";
import { type Assertion, type Node, type Repeat, emptiness } from "./syntax.ts";

const Op = { Match: 0, Jump: 1, Split: 2, Save: 3, Assert: 4, Literal: 5, Set: 6 } as const;

/** Instructions in parallel arrays: `x` is the next one, `y` a second target, slot or operand. */
interface Program {
  readonly ops: number[];
  readonly x: number[];
  readonly y: number[];
  readonly sets: CodePoints[];
  readonly assertions: Assertion[];
  readonly slotCount: number;
}

export interface Pike {
  /**
   * Offsets of the leftmost-first match at or after `from`: start and end of each group, -1 where
   * it took no part.
   */
  match(text: string, from: number): Int32Array | undefined;
}

export function compilePike(root: Node, groupCount: number): Pike {
  const builder = new Builder(groupCount);
  builder.add(root);
  const machine = new Machine(builder.finish());
  return { match: (text, from) => machine.match(text, from) };
}

class Builder {
  readonly #program: Program;

  constructor(groupCount: number) {
    const slotCount = 2 * (groupCount + 1);
    this.#program = { ops: [], x: [], y: [], sets: [], assertions: [], slotCount };
  }

  finish(): Program {
    this.#emit(Op.Match, 0);
    return this.#program;
  }

  /** Appends; every instruction falls through to the one after it unless told otherwise. */
  #emit(op: number, y: number): number {
    const { ops, x, y: ys } = this.#program;
    ops.push(op);
    ys.push(y);
    return x.push(ops.length) - 1;
  }

  #here(): number {
    return this.#program.ops.length;
  }

  add(node: Node): void {
    switch (node.kind) {
      case "empty":
        return;
      case "literal":
        this.#emit(Op.Literal, node.codePoint);
        return;
      case "class":
        this.#emit(Op.Set, this.#program.sets.push(node.set) - 1);
        return;
      case "assert":
        this.#emit(Op.Assert, this.#program.assertions.push(node.what) - 1);
        return;
      case "capture":
        this.#emit(Op.Save, 2 * node.index);
        this.add(node.body);
        this.#emit(Op.Save, 2 * node.index + 1);
        return;
      case "repeat":
        this.#repeat(node);
        return;
      case "concat":
        for (const part of node.parts) this.add(part);
        return;
      case "alternate":
        this.#alternate(node.branches);
        return;
      default:
        node satisfies never;
    }
  }

  #alternate(branches: readonly Node[]): void {
    const jumps: number[] = [];
    for (const [i, branch] of branches.entries()) {
      const isLast = i === branches.length - 1;
      const split = isLast ? -1 : this.#emit(Op.Split, 0);
      this.add(branch);
      if (isLast) continue;
      jumps.push(this.#emit(Op.Jump, 0));
      this.#program.y[split] = this.#here();
    }
    for (const jump of jumps) this.#program.x[jump] = this.#here();
  }

  #repeat({ body, min, max, isGreedy }: Repeat): void {
    if (max === Infinity) {
      for (let i = 1; i < min; i++) this.add(body);
      if (min > 0) this.#plus(body, isGreedy);
      // As in Go, a loop over what may be empty is an optional `+`: that decides which empty turn
      // wins.
      else if (emptiness(body) !== "never")
        this.#optional(isGreedy, () => this.#plus(body, isGreedy));
      else this.#star(body, isGreedy);
      return;
    }
    for (let i = 0; i < min; i++) this.add(body);
    // x{0,3} is (x(x(x)?)?)?: leaving one leaves all.
    const exits: number[] = [];
    for (let i = min; i < max; i++) {
      exits.push(this.#emit(Op.Split, 0));
      this.add(body);
    }
    for (const split of exits) this.#aim(split, { into: split + 1, out: this.#here(), isGreedy });
  }

  #aim(split: number, to: { into: number; out: number; isGreedy: boolean }): void {
    this.#program.x[split] = to.isGreedy ? to.into : to.out;
    this.#program.y[split] = to.isGreedy ? to.out : to.into;
  }

  #optional(isGreedy: boolean, add: () => void): void {
    const split = this.#emit(Op.Split, 0);
    add();
    this.#aim(split, { into: split + 1, out: this.#here(), isGreedy });
  }

  #plus(body: Node, isGreedy: boolean): void {
    const start = this.#here();
    this.add(body);
    const split = this.#emit(Op.Split, 0);
    this.#aim(split, { into: start, out: split + 1, isGreedy });
  }

  #star(body: Node, isGreedy: boolean): void {
    const split = this.#emit(Op.Split, 0);
    this.add(body);
    this.#program.x[this.#emit(Op.Jump, 0)] = split;
    this.#aim(split, { into: split + 1, out: this.#here(), isGreedy });
  }
}

/** Threads of one position: instructions in order of preference, and each thread's slots. */
interface Threads {
  count: number;
  readonly dense: Int32Array;
  readonly sparse: Int32Array;
  readonly slots: Int32Array;
}

/** Its tables are used again by every match, so a match allocates little. */
class Machine {
  readonly #program: Program;
  #text = "";
  #current: Threads;
  #next: Threads;
  /**
   * Work of `#follow`: instructions to visit, or a slot (as -1 - slot) to put back to the value
   * that follows it.
   */
  readonly #stack: number[] = [];

  constructor(program: Program) {
    this.#program = program;
    const size = program.ops.length;
    const threads = (): Threads => ({
      count: 0,
      dense: new Int32Array(size),
      sparse: new Int32Array(size),
      slots: new Int32Array(size * program.slotCount),
    });
    this.#current = threads();
    this.#next = threads();
  }

  match(text: string, from: number): Int32Array | undefined {
    this.#text = text;
    this.#current.count = 0;
    this.#next.count = 0;
    const { slotCount } = this.#program;
    const slots = new Int32Array(slotCount).fill(-1);
    let best: Int32Array | undefined;
    for (let offset = from; ; ) {
      if (best === undefined) {
        slots.fill(-1);
        slots[0] = offset;
        this.#follow(this.#current, { pc: 0, offset, slots });
      }
      if (this.#current.count === 0 && best !== undefined) break;
      const codePoint = this.#text.codePointAt(offset) ?? -1;
      const next = offset + (codePoint > 0xffff ? 2 : 1);
      best = this.#step({ codePoint, offset, next, slots }) ?? best;
      if (codePoint < 0) break;
      [this.#current, this.#next] = [this.#next, this.#current];
      this.#next.count = 0;
      offset = next;
    }
    return best;
  }

  /**
   * Moves every thread over one code point. Returns the match of the most preferred thread that
   * reached the end, if any.
   */
  #step({
    codePoint,
    offset,
    next,
    slots,
  }: {
    codePoint: number;
    offset: number;
    next: number;
    slots: Int32Array;
  }): Int32Array | undefined {
    const { ops, y, sets, slotCount } = this.#program;
    const current = this.#current;
    for (let i = 0; i < current.count; i++) {
      const pc = current.dense[i]!;
      const op = ops[pc]!;
      const at = pc * slotCount;
      if (op === Op.Match) {
        const found = current.slots.slice(at, at + slotCount);
        found[1] = offset;
        // Threads after this one are less preferred.
        return found;
      }
      const isTaken =
        (op === Op.Literal && y[pc] === codePoint) ||
        (op === Op.Set && codePoint >= 0 && contains(sets[y[pc]!]!, codePoint));
      if (!isTaken) continue;
      for (let slot = 0; slot < slotCount; slot++) slots[slot] = current.slots[at + slot]!;
      this.#follow(this.#next, { pc: this.#program.x[pc]!, offset: next, slots });
    }
    return undefined;
  }

  /**
   * Adds a thread and all it reaches without consuming. `slots` is changed on the way and put
   * back.
   */
  #follow(
    threads: Threads,
    { pc: start, offset, slots }: { pc: number; offset: number; slots: Int32Array },
  ): void {
    const { ops, x, y, assertions, slotCount } = this.#program;
    const stack = this.#stack;
    stack.push(start);
    while (stack.length > 0) {
      const pc = stack.pop()!;
      if (pc < 0) {
        slots[-1 - pc] = stack.pop()!;
        continue;
      }
      const place = threads.sparse[pc]!;
      if (place < threads.count && threads.dense[place] === pc) continue;
      threads.sparse[pc] = threads.count;
      threads.dense[threads.count++] = pc;
      const op = ops[pc]!;
      if (op === Op.Jump) stack.push(x[pc]!);
      else if (op === Op.Split) stack.push(y[pc]!, x[pc]!);
      else if (op === Op.Save) {
        const slot = y[pc]!;
        stack.push(slots[slot]!, -1 - slot, x[pc]!);
        slots[slot] = offset;
      } else if (op === Op.Assert) {
        if (holds(assertions[y[pc]!]!, this.#text, offset)) stack.push(x[pc]!);
      } else {
        for (let slot = 0; slot < slotCount; slot++) {
          threads.slots[pc * slotCount + slot] = slots[slot]!;
        }
      }
    }
  }
}

function isWord(unit: number): boolean {
  if (unit >= 0x61 && unit <= 0x7a) return true;
  return (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39) || unit === 0x5f;
}

function holds(what: Assertion, text: string, offset: number): boolean {
  switch (what) {
    case "text-start":
      return offset === 0;
    case "text-end":
      return offset === text.length;
    case "line-start":
      return offset === 0 || text.charCodeAt(offset - 1) === 10;
    case "line-end":
      return offset === text.length || text.charCodeAt(offset) === 10;
    case "word-boundary":
      return isWord(text.charCodeAt(offset - 1)) !== isWord(text.charCodeAt(offset));
    case "no-word-boundary":
      return isWord(text.charCodeAt(offset - 1)) === isWord(text.charCodeAt(offset));
    default:
      return what satisfies never;
  }
}
