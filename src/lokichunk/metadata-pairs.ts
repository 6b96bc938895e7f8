/**
 * Pairs of symbol ids → columns of the waist. Ids are dense by column; values are copied out of the
 * symbol table once for each block that uses them.
 */
import { ByteStrings, hashBytes, sameBytes } from "#columns";
import type { ChunkMetadataColumn, LokiChunk } from "./chunk.ts";
import { corrupt, type Place } from "./corrupt.ts";
import { metadataCellsMax } from "./limits.ts";
import { metadataNameOf } from "./metadata-name.ts";

/** What is known of a chunk's symbols, worked out once for all its blocks. */
interface SymbolFacts {
  readonly symbols: ByteStrings;
  /**
   * Number of the first symbol with the same bytes; the position after the last one stands for the
   * empty string that an id out of range is. Undefined when all differ, as Loki writes them.
   */
  readonly firstOf: Uint32Array | undefined;
  /** Names that were needed, as labels; null when the name cannot be one. */
  readonly names: Map<number, string | null>;
}

const factsOfChunk = new WeakMap<LokiChunk, SymbolFacts>();

/** Symbols of a chunk with their duplicates found. StoreError `corrupt` when they are damaged. */
export function symbolFactsOf(chunk: LokiChunk): SymbolFacts {
  const known = factsOfChunk.get(chunk);
  if (known !== undefined) return known;
  const { symbols } = chunk;
  const facts = { symbols, firstOf: firstOfEqual(symbols), names: new Map() };
  factsOfChunk.set(chunk, facts);
  return facts;
}

/** For tables in memory that live as long as one chunk. */
const symbolSeed = 0x5b1f;

function firstOfEqual(symbols: ByteStrings): Uint32Array | undefined {
  const { count, bytes } = symbols;
  const mask = 2 ** Math.ceil(Math.log2((count + 1) * 2)) - 1;
  const table = new Uint32Array(mask + 1);
  const first = new Uint32Array(count + 1);
  let hasDuplicates = false;
  let empty = count;
  for (let i = 0; i < count; i++) {
    const [from, to] = [symbols.from(i), symbols.to(i)];
    let slot = hashBytes(bytes, from, to, symbolSeed) & mask;
    for (; table[slot] !== 0; slot = (slot + 1) & mask) {
      const other = table[slot]! - 1;
      if (symbols.to(other) - symbols.from(other) !== to - from) continue;
      if (sameBytes(bytes, symbols.from(other), bytes, from, to - from)) break;
    }
    if (table[slot] === 0) table[slot] = i + 1;
    else hasDuplicates = true;
    first[i] = table[slot]! - 1;
    if (from === to) empty = first[i]!;
  }
  first[count] = empty;
  return hasDuplicates || empty !== count ? first : undefined;
}

function nameOf(facts: SymbolFacts, symbol: number): string | null {
  const known = facts.names.get(symbol);
  if (known !== undefined) return known;
  const { symbols } = facts;
  const text = symbol < symbols.count ? symbols.text(symbol) : "";
  const name = metadataNameOf(text) ?? null;
  facts.names.set(symbol, name);
  return name;
}

/** Where the pairs of each picked row lie in `raw`. */
export interface PairRows {
  readonly raw: Buffer;
  readonly froms: Uint32Array;
  readonly tos: Uint32Array;
  readonly count: number;
  readonly place: Place;
}

export interface DecodedPairs {
  readonly columns: ChunkMetadataColumn[];
  readonly droppedPairCount: number;
}

const unknownName = -1;
const unwantedName = -2;
const unusableName = -3;

/** Columns under construction: ids are symbol + 1 until they are renumbered. */
class ColumnTable {
  readonly names: string[] = [];
  readonly ids: Uint32Array[] = [];
  readonly #rowCount: number;
  readonly #place: Place;
  readonly #numbers = new Map<string, number>();

  constructor(rowCount: number, place: Place) {
    this.#rowCount = rowCount;
    this.#place = place;
  }

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.length;
    if ((number + 1) * this.#rowCount > metadataCellsMax) {
      const what = `${number + 1} names of metadata in ${this.#rowCount} entries`;
      throw corrupt(this.#place, `${what}, more than ${metadataCellsMax} values`);
    }
    this.#numbers.set(name, number);
    this.names.push(name);
    this.ids.push(new Uint32Array(this.#rowCount));
    return number;
  }
}

/**
 * An id out of range is the empty string, as in Loki. Two stored names may become one: the later pair
 * of a row wins. A pair whose name cannot be a label is dropped and counted.
 */
export function decodePairs(
  rows: PairRows,
  facts: SymbolFacts,
  wanted: "all" | readonly string[],
): DecodedPairs {
  const { raw, froms, tos, count } = rows;
  const symbolCount = facts.symbols.count;
  const table = new ColumnTable(count, rows.place);
  const columnOfSymbol = new Int32Array(symbolCount + 1).fill(unknownName);
  let droppedPairCount = 0;
  for (let row = 0; row < count; row++) {
    let at = froms[row]!;
    const to = tos[row]!;
    let id = 0;
    let left = -1;
    let column = unknownName;
    // Numbers of a row: how many pairs, then name and value of each in turn.
    while (left !== 0) {
      let byte = at < to ? raw[at++]! : 0x80;
      id = byte & 0x7f;
      for (let scale = 128; byte >= 0x80 && scale <= 2 ** 42 && at < to; scale *= 128) {
        id += ((byte = raw[at++]!) & 0x7f) * scale;
      }
      if (byte >= 0x80) throw corrupt(rows.place, `metadata of an entry is cut off`);
      if (left < 0) {
        left = id * 2;
        continue;
      }
      left--;
      const symbol = id < symbolCount ? id : symbolCount;
      if ((left & 1) === 1) {
        column = columnOfSymbol[symbol]!;
        if (column === unknownName) {
          column = columnOfSymbol[symbol] = columnOf(table, nameOf(facts, symbol), wanted);
        }
      } else if (column >= 0) {
        table.ids[column]![row] = symbol + 1;
      } else if (column === unusableName) {
        droppedPairCount++;
      }
    }
    if (at !== to) throw corrupt(rows.place, `metadata of an entry has ${to - at} bytes too many`);
  }
  return { columns: renumbered(table, facts), droppedPairCount };
}

function columnOf(
  table: ColumnTable,
  name: string | null,
  wanted: "all" | readonly string[],
): number {
  if (name === null) return unusableName;
  return wanted === "all" || wanted.includes(name) ? table.numberOf(name) : unwantedName;
}

/** Symbols become positions in the column's own values, in order of first use. */
function renumbered(table: ColumnTable, facts: SymbolFacts): ChunkMetadataColumn[] {
  const { symbols, firstOf } = facts;
  const position = new Uint32Array(symbols.count + 1);
  return table.ids.map((ids, column) => {
    const used: number[] = [];
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row]!;
      if (id === 0) continue;
      const symbol = firstOf === undefined ? id - 1 : firstOf[id - 1]!;
      let place = position[symbol]!;
      if (place === 0) place = position[symbol] = used.push(symbol);
      ids[row] = place;
    }
    for (const symbol of used) position[symbol] = 0;
    return { name: table.names[column]!, ids, values: valuesOf(symbols, used) };
  });
}

function valuesOf(symbols: ByteStrings, used: readonly number[]): ByteStrings {
  const starts = new Uint32Array(used.length + 1);
  let total = 0;
  for (let i = 0; i < used.length; i++) {
    const symbol = used[i]!;
    if (symbol < symbols.count) total += symbols.to(symbol) - symbols.from(symbol);
    starts[i + 1] = total;
  }
  const bytes = Buffer.allocUnsafe(total);
  for (let i = 0; i < used.length; i++) {
    const symbol = used[i]!;
    if (symbol >= symbols.count) continue;
    symbols.bytes.copy(bytes, starts[i]!, symbols.from(symbol), symbols.to(symbol));
  }
  return new ByteStrings(bytes, starts, 0);
}
