import { groupLabels, type LabelGrouping, type Matrix } from "#evaluator";
import { type LabelPair, Labels } from "#model";
import type { Row } from "#pipeline";
import type { Block } from "#storage";
import { tenantLabel } from "./tenant-scope.ts";
import type { WindowFold } from "./window-fold.ts";

/** What a series weighs besides its fold and its text. */
const seriesOverheadBytes = 200;

interface SeriesState {
  readonly labels: Labels;
  readonly fold: WindowFold;
}

/**
 * The series of a range aggregation: finds the fold an entry belongs to by what the grouping leaves
 * of its labels. The hot path makes no Labels: with `by` the key is put together from the few
 * values asked for, with `without` the last label set is remembered by identity.
 */
export class SeriesTable {
  readonly #grouping: LabelGrouping;
  readonly #isMulti: boolean;
  readonly #isIdentity: boolean;
  readonly #newFold: () => WindowFold;
  readonly #hold: (bytes: number) => void;
  readonly #checkCount: (count: number) => void;
  readonly #stateOfKey = new Map<string, SeriesState>();
  /** Where the grouping is by one name: by its value. */
  readonly #stateOfValue = new Map<string | undefined, SeriesState>();
  readonly #states: SeriesState[] = [];
  #tenant = "";
  /** The labels of a row are those of its stream. */
  #isByStream = false;
  #lastLabels: Labels | undefined;
  #lastState: SeriesState | undefined;

  constructor(options: {
    grouping: LabelGrouping;
    isMulti: boolean;
    isIdentity: boolean;
    newFold: () => WindowFold;
    hold: (bytes: number) => void;
    /** Told of the number of series after each new one; may throw to end the query early. */
    checkCount?: (count: number) => void;
  }) {
    this.#grouping = options.grouping;
    this.#isMulti = options.isMulti;
    this.#isIdentity = options.isIdentity;
    this.#newFold = options.newFold;
    this.#hold = options.hold;
    this.#checkCount = options.checkCount ?? (() => {});
  }

  openBlock(tenant: string, block: Block): void {
    this.#tenant = tenant;
    this.#isByStream = this.#isIdentity && block.metadata.length === 0;
    this.#lastLabels = undefined;
  }

  foldFor(row: Row): WindowFold {
    if (this.#isByStream) return this.#remembered(row.stored).fold;
    if (this.#grouping.without) return this.#remembered(row.labels()).fold;
    return this.#byNames(row).fold;
  }

  /** For rows whose labels are those of the stream, without a row at hand. */
  foldForStream(tenant: string, labels: Labels): WindowFold {
    this.#tenant = tenant;
    this.#lastLabels = undefined;
    return this.#remembered(labels).fold;
  }

  #remembered(labels: Labels): SeriesState {
    if (labels !== this.#lastLabels || this.#lastState === undefined) {
      this.#lastState = this.#byLabels(labels);
      this.#lastLabels = labels;
    }
    return this.#lastState;
  }

  #byLabels(labels: Labels): SeriesState {
    const whole = this.#isMulti
      ? Labels.of([...labels.pairs, [tenantLabel, this.#tenant]])
      : labels;
    const left = groupLabels(whole, this.#grouping);
    return this.#stateOfKey.get(left.key) ?? this.#newState(left.key, left);
  }

  /** A label with an empty value (a parser's missing field) is not the same as no label. */
  #byNames(row: Row): SeriesState {
    const { names } = this.#grouping;
    if (names.length !== 1) return this.#byValues(row, names);
    const value = this.#valueOf(row, names[0]!);
    let state = this.#stateOfValue.get(value);
    if (state === undefined) {
      state = this.#byValues(row, names);
      this.#stateOfValue.set(value, state);
    }
    return state;
  }

  #byValues(row: Row, names: readonly string[]): SeriesState {
    let key = "\ud802";
    for (const name of names) key += `${this.#valueOf(row, name) ?? "\ud803"}\ud801`;
    const known = this.#stateOfKey.get(key);
    if (known !== undefined) return known;
    const pairs = names.flatMap((name): LabelPair[] => {
      const value = this.#valueOf(row, name);
      return value === undefined ? [] : [[name, value]];
    });
    const labels = Labels.of(pairs);
    // The same series may have come from rows that were keyed by their stream.
    const state = this.#stateOfKey.get(labels.key) ?? this.#newState(labels.key, labels);
    this.#stateOfKey.set(key, state);
    return state;
  }

  #valueOf(row: Row, name: string): string | undefined {
    return this.#isMulti && name === tenantLabel ? this.#tenant : row.label(name);
  }

  #newState(key: string, labels: Labels): SeriesState {
    const state = { labels, fold: this.#newFold() };
    this.#hold(seriesOverheadBytes + key.length * 2 + state.fold.heldBytes);
    this.#stateOfKey.set(key, state);
    this.#states.push(state);
    this.#checkCount(this.#states.length);
    return state;
  }

  /** Ends the table. */
  finish(stepCount: number): Matrix {
    const series = this.#states.map(({ labels, fold }) => fold.finish(labels));
    return { stepCount, series: series.filter((one) => one.present.includes(1)) };
  }
}
