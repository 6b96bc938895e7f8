import { GoParseError } from "#gofmt";
import type { CompareOp, LabelFilter } from "#logql";
import type { Matcher } from "#model";
import { errorDetailsLabel, errorLabel, type StreamBase } from "./base-labels.ts";
import { type Conversion, convertLabel, toBytes, toDurationNs, toFloat } from "./conversions.ts";
import { compileIp } from "./ip-match.ts";
import type { RowStage, RowState } from "./row-state.ts";

const labelFilterError = "LabelFilterErr";

/** `| name op value` and combinations. */
export function compileLabelFilter(filter: LabelFilter): RowStage {
  switch (filter.kind) {
    case "and": {
      const left = compileLabelFilter(filter.left);
      const right = compileLabelFilter(filter.right);
      return (row) => left(row) && right(row);
    }
    case "or": {
      const left = compileLabelFilter(filter.left);
      const right = compileLabelFilter(filter.right);
      return (row) => left(row) || right(row);
    }
    case "text":
      return textFilter(filter.matcher);
    case "number":
      return valueFilter(filter.name, toFloat, compare(filter.op, filter.value));
    case "duration":
      return valueFilter(filter.name, toDurationNs, compare(filter.op, filter.value));
    case "bytes":
      return valueFilter(filter.name, toBytes, compare(filter.op, filter.value));
    case "ip":
      return ipFilter(filter.name, filter.op, filter.pattern);
    default:
      return filter satisfies never;
  }
}

// ── Text ────────────────────────────────────────────────────────────────────────────────────────

/** Decisions by value of a metadata column: 0 not made yet, 1 passes, 2 fails. */
const undecided = 0;
const passes = 1;
const fails = 2;

function textFilter(matcher: Matcher): RowStage {
  const { name, test } = matcher;
  if (name === errorLabel) return (row) => test(row.stageError);
  if (name === errorDetailsLabel) return (row) => test(row.stageErrorDetails);
  const onMade = matcher.op === "=" ? equalsMade(matcher) : testMade(test);
  const decisions = new Decisions(matcher);
  const ofMissing = test("");
  return (row) => {
    if (row.count > 0) {
      const at = row.find(name);
      if (at >= 0) return onMade(row, at);
    }
    if (row.isGone(name)) return ofMissing;
    return decisions.of(row.base, row.index);
  };
}

type MadeTest = (row: RowState, at: number) => boolean;

function testMade(test: (value: string) => boolean): MadeTest {
  return (row, at) => test(row.valueAt(at));
}

/** Compares bytes where the value needs no decoding. */
function equalsMade(matcher: Matcher): MadeTest {
  const wanted = Buffer.from(matcher.value);
  // A broken byte becomes a space in a value, so such values are compared as text.
  const isPlain = /^[!-~]*$/.test(matcher.value);
  return (row, at) =>
    isPlain && !row.isEncodedAt(at) ? row.hasBytesAt(at, wanted) : matcher.test(row.valueAt(at));
}

/** A matcher on what entries came with, decided once per stream and metadata value of a block. */
class Decisions {
  readonly #matcher: Matcher;
  readonly #byBase = new WeakMap<
    StreamBase,
    { stream: boolean; column: number; ids: Uint8Array }
  >();
  #base: StreamBase | undefined;
  #current: { stream: boolean; column: number; ids: Uint8Array } | undefined;

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  of(base: StreamBase, index: number): boolean {
    if (base !== this.#base) this.#enter(base);
    const { stream, column, ids } = this.#current!;
    if (column < 0) return stream;
    const texts = base.columns[column]!;
    const id = texts.ids[index]!;
    if (id === 0) return stream;
    const decision = ids[id]!;
    if (decision !== undecided) return decision === passes;
    const isMatch = this.#matcher.test(texts.text(id));
    ids[id] = isMatch ? passes : fails;
    return isMatch;
  }

  #enter(base: StreamBase): void {
    let decisions = this.#byBase.get(base);
    if (decisions === undefined) {
      const { name, test } = this.#matcher;
      const column = base.metadataIndexOf.get(name) ?? -1;
      const valueCount = column < 0 ? 0 : base.columns[column]!.count;
      decisions = {
        stream: test(base.stored.get(name) ?? ""),
        column,
        ids: new Uint8Array(valueCount + 1),
      };
      this.#byBase.set(base, decisions);
    }
    this.#base = base;
    this.#current = decisions;
  }
}

// ── Numbers ─────────────────────────────────────────────────────────────────────────────────────

function valueFilter(
  name: string,
  conversion: Conversion,
  test: (value: number) => boolean,
): RowStage {
  return (row) => {
    try {
      const value = convertLabel(row, name, conversion);
      if (value === undefined) return false;
      return row.stageError !== "" || test(value);
    } catch (error) {
      if (!(error instanceof GoParseError)) throw error;
      if (row.stageError === "") row.setStageError(labelFilterError, error.message);
      return true;
    }
  };
}

function compare(op: CompareOp, limit: number): (value: number) => boolean {
  switch (op) {
    case "==":
      return (value) => value === limit;
    case "!=":
      return (value) => value !== limit;
    case ">":
      return (value) => value > limit;
    case ">=":
      return (value) => value >= limit;
    case "<":
      return (value) => value < limit;
    case "<=":
      return (value) => value <= limit;
    default:
      return op satisfies never;
  }
}

// ── Addresses ───────────────────────────────────────────────────────────────────────────────────

function ipFilter(name: string, op: "=" | "!=", pattern: string): RowStage {
  const matches = compileIp(pattern);
  const isWanted = op === "=";
  return (row) => {
    if (row.stageError !== "") return true;
    const text = row.plainLabel(name);
    return text !== undefined && matches(text) === isWanted;
  };
}
