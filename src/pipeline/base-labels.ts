import { compareText, type LabelPair, Labels } from "#model";
import type { Block, MetadataColumn } from "#storage";

/** What a parser appends to a name that the entry already came with. */
export const extractedSuffix = "_extracted";
export const errorLabel = "__error__";
export const errorDetailsLabel = "__error_details__";

/** Values of one metadata column as text, decoded when first asked for. */
export class MetadataTexts {
  readonly name: string;
  readonly ids: Uint32Array;
  readonly count: number;
  readonly values: MetadataColumn["values"];
  readonly #texts: (string | undefined)[];

  constructor(column: MetadataColumn) {
    this.name = column.name;
    this.ids = column.ids;
    this.count = column.values.count;
    this.values = column.values;
    this.#texts = [];
  }

  /** `id` as in the column: 1 … count. */
  text(id: number): string {
    const known = this.#texts[id - 1];
    if (known !== undefined) return known;
    const text = this.values.text(id - 1);
    this.#texts[id - 1] = text;
    return text;
  }
}

export const nowhere = -1;
const inStream = -2;

export function isPresent(base: StreamBase, place: number, index: number): boolean {
  if (place < 0) return place === inStream;
  return base.columns[place]!.ids[index] !== 0;
}

/** Names and values that the rows of one stream in one block come with. */
export class StreamBase {
  readonly stored: Labels;
  /** Effective names of the columns: one that equals a stream label ends in `_extracted`. */
  readonly metadataNames: readonly string[];
  readonly columns: readonly MetadataTexts[];
  /** Position in `stored.pairs`. */
  readonly streamIndexOf: ReadonlyMap<string, number>;
  /** Position in `columns`. */
  readonly metadataIndexOf: ReadonlyMap<string, number>;
  readonly #sets = new Map<number | string, Labels>();
  readonly #isPacked: boolean;

  constructor(stored: Labels, columns: readonly MetadataTexts[]) {
    this.stored = stored;
    this.columns = columns;
    this.streamIndexOf = new Map(stored.pairs.map(([name], index) => [name, index]));
    this.metadataNames = columns.map(({ name }) =>
      this.streamIndexOf.has(name) ? name + extractedSuffix : name,
    );
    this.metadataIndexOf = new Map(this.metadataNames.map((name, index) => [name, index]));
    let combinations = 1;
    for (const column of columns) combinations *= column.count + 1;
    this.#isPacked = combinations < Number.MAX_SAFE_INTEGER;
  }

  /** Where rows have a label of this name: a column, `inStream` or `nowhere`; for `isPresent`. */
  placeOf(name: string): number {
    if (this.streamIndexOf.has(name)) return inStream;
    return this.metadataIndexOf.get(name) ?? nowhere;
  }

  /** Did row `index` come with a label of this name, in its stream or its metadata? */
  has(name: string, index: number): boolean {
    return isPresent(this, this.placeOf(name), index);
  }

  value(name: string, index: number): string | undefined {
    const column = this.metadataIndexOf.get(name);
    if (column !== undefined) {
      const id = this.columns[column]!.ids[index]!;
      if (id !== 0) return this.columns[column]!.text(id);
    }
    const at = this.streamIndexOf.get(name);
    return at === undefined ? undefined : this.stored.pairs[at]![1];
  }

  /** Stream labels and metadata of a row; rows with the same metadata share one object. */
  labels(index: number): Labels {
    if (this.columns.length === 0) return this.stored;
    const key = this.#isPacked ? this.#packedKey(index) : this.#textKey(index);
    if (key === 0) return this.stored;
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = this.#combine(index);
      this.#sets.set(key, set);
    }
    return set;
  }

  #packedKey(index: number): number {
    let key = 0;
    for (const column of this.columns) key = key * (column.count + 1) + column.ids[index]!;
    return key;
  }

  #textKey(index: number): string {
    let key = "";
    for (const column of this.columns) key += `${column.ids[index]!},`;
    return key;
  }

  #combine(index: number): Labels {
    const byName = new Map<string, string>(this.stored.pairs);
    for (const [name, value] of this.metadata(index)) byName.set(name, value);
    const pairs = [...byName].sort((a, b) => compareText(a[0], b[0]));
    return Labels.ofSorted(pairs);
  }

  metadata(index: number): LabelPair[] {
    const pairs: LabelPair[] = [];
    for (let i = 0; i < this.columns.length; i++) {
      const id = this.columns[i]!.ids[index]!;
      if (id !== 0) pairs.push([this.metadataNames[i]!, this.columns[i]!.text(id)]);
    }
    return pairs;
  }
}

/** The base labels of a block, made when first asked for. */
export class BlockBase {
  readonly block: Block;
  /** Metadata named `__error__` is an error from the start. */
  readonly errors: MetadataTexts | undefined;
  readonly errorDetails: MetadataTexts | undefined;
  readonly #columns: readonly MetadataTexts[];
  readonly #streams: (StreamBase | undefined)[] = [];

  constructor(block: Block) {
    this.block = block;
    const columns = block.metadata.map((column) => new MetadataTexts(column));
    this.errors = columns.find(({ name }) => name === errorLabel);
    this.errorDetails = columns.find(({ name }) => name === errorDetailsLabel);
    this.#columns = columns.filter(({ name }) => name !== errorLabel && name !== errorDetailsLabel);
  }

  /** Could some row of the block come with a label of this name? */
  mayHave(name: string): boolean {
    return this.block.ref.facts.streams.some((_, stream) => {
      const base = this.ofStream(stream);
      return base.streamIndexOf.has(name) || base.metadataIndexOf.has(name);
    });
  }

  ofRow(index: number): StreamBase {
    return this.ofStream(this.block.streamOfRow?.[index] ?? 0);
  }

  ofStream(stream: number): StreamBase {
    let base = this.#streams[stream];
    if (base === undefined) {
      base = new StreamBase(this.block.ref.facts.streams[stream]!.labels, this.#columns);
      this.#streams[stream] = base;
    }
    return base;
  }
}
