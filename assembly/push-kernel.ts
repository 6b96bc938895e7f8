/**
 * Hot loops over the bytes of a push, in AssemblyScript (assemblyscript.org), compiled by
 * scripts/build-kernels.ts. Memory is laid out by the caller (src/kernels/push-kernel.ts), which
 * also checks that every range lies inside of it; behind each there are 64 bytes that may be read
 * and written by the last step of a loop of 16.
 */

// ---------------------------------------------------------------- snappy

/**
 * Snappy's block format (github.com/google/snappy, format_description.txt) without its length:
 * elements in [from, to) into [out, out + size). Returns whether they are well formed and fill it.
 */
export function unsnap(from: usize, to: usize, out: usize, size: usize): bool {
  let at = from;
  let target = out;
  const end = out + size;
  while (at < to) {
    const tag = <u32>load<u8>(at++);
    let length: usize = 0;
    let offset: usize = 0;
    const kind = tag & 3;
    if (kind == 0) {
      length = <usize>(tag >> 2) + 1;
      if (length > 60) {
        const width = length - 60;
        if (to - at < width) return false;
        length = (<usize>load<u32>(at) & (<usize>0xffffffff >> ((4 - width) << 3))) + 1;
        if (length == 0) return false;
        at += width;
      }
      if (length > to - at || length > end - target) return false;
      if (length <= 16) v128.store(target, v128.load(at));
      else memory.copy(target, at, length);
      at += length;
      target += length;
      continue;
    }
    if (kind == 3) {
      length = 1 + <usize>(tag >> 2);
      offset = <usize>load<u32>(at);
      at += 4;
    } else {
      // Without a branch: which of the two comes next is hard to guess.
      const isNear = kind == 1;
      const word = <usize>load<u16>(at);
      const near = ((<usize>(tag >> 5)) << 8) | (word & 0xff);
      offset = select<usize>(near, word, isNear);
      length = select<usize>(4 + <usize>((tag >> 2) & 7), 1 + <usize>(tag >> 2), isNear);
      at += <usize>kind;
    }
    if (at > to || offset == 0 || offset > target - out || length > end - target) return false;
    const source = target - offset;
    if (offset >= 16) {
      v128.store(target, v128.load(source));
      v128.store(target + 16, v128.load(source + 16));
      if (length > 32) {
        v128.store(target + 32, v128.load(source + 32));
        v128.store(target + 48, v128.load(source + 48));
      }
    } else if (offset >= 8) {
      for (let i: usize = 0; i < length; i += 8) store<u64>(target + i, load<u64>(source + i));
    } else {
      for (let i: usize = 0; i < length; i++) store<u8>(target + i, load<u8>(source + i));
    }
    target += length;
  }
  return target == end;
}

// -------------------------------------------------------------- protobuf

/** Where the varint that was read last ends; 0 when it is longer than its message or 5 bytes. */
let behind: usize = 0;

/** A length or tag of at most 28 bits: what is longer is for who can say what is wrong with it. */
function small(at: usize, end: usize): u32 {
  let value: u32 = 0;
  let shift: u32 = 0;
  let from = at;
  while (from < end) {
    const byte = <u32>load<u8>(from++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      behind = from;
      return value;
    }
    shift += 7;
    if (shift > 21) break;
  }
  behind = 0;
  return 0;
}

/** Entries of all streams in the PushRequest [from, to); -1 for anything out of the ordinary. */
export function countEntries(from: usize, to: usize): i32 {
  let count = 0;
  let at = from;
  while (at < to) {
    if (load<u8>(at) != 0x0a) return -1;
    const size = small(at + 1, to);
    if (behind == 0 || <usize>size > to - behind) return -1;
    at = behind;
    const end = at + size;
    while (at < end) {
      const tag = load<u8>(at);
      if (tag == 0x12) count++;
      else if (tag != 0x0a) return -1;
      const length = small(at + 1, end);
      if (behind == 0 || <usize>length > end - behind) return -1;
      at = behind + length;
    }
  }
  return count;
}

/**
 * Columns of `rowCount` entries, one after the other from `columns` on: f64 seconds; u32 line start,
 * line end, nanos, 0; then u32 where the fields of structured metadata begin and end, 0 when there
 * are none. Streams that have entries from `streams` on: u32 label text from, to, first row, row
 * after the last. Positions count from `from`. Returns how many streams the request named, -1 for
 * anything out of the ordinary; `streamsWithRows` and `hasMetadata` tell the rest.
 */
export function readEntries(
  from: usize,
  to: usize,
  rowCount: u32,
  columns: usize,
  streams: usize,
): i32 {
  const rows = <usize>rowCount;
  const seconds = columns;
  const starts = columns + rows * 8;
  const ends = starts + rows * 4;
  const nanos = ends + rows * 4;
  const metadataFroms = nanos + rows * 8;
  const metadataTos = metadataFroms + rows * 4;
  memory.fill(columns, 0, rows * 32);
  streamsWithRows = 0;
  hasMetadata = false;
  let named = 0;
  let row: usize = 0;
  let at = from;
  while (at < to) {
    const size = small(at + 1, to);
    at = behind;
    const end = at + size;
    const firstRow = row;
    let labelsFrom: usize = from;
    let labelsTo: usize = from;
    named++;
    while (at < end) {
      const tag = load<u8>(at);
      const length = small(at + 1, end);
      at = behind;
      const entryEnd = at + length;
      if (tag == 0x0a) {
        labelsFrom = at;
        labelsTo = entryEnd;
        at = entryEnd;
        continue;
      }
      let metadataFrom: usize = 0;
      let metadataTo: usize = 0;
      while (at < entryEnd) {
        const fieldFrom = at;
        const field = load<u8>(at);
        const fieldLength = small(at + 1, entryEnd);
        if (behind == 0 || <usize>fieldLength > entryEnd - behind) return -1;
        at = behind;
        const fieldEnd = at + fieldLength;
        if (field == 0x12) {
          store<u32>(starts + row * 4, <u32>(at - from));
          store<u32>(ends + row * 4, <u32>(fieldEnd - from));
        } else if (field == 0x0a) {
          if (!readTime(at, fieldEnd, seconds + row * 8, nanos + row * 4)) return -1;
        } else if (field == 0x1a) {
          if (metadataFrom == 0) metadataFrom = fieldFrom;
          metadataTo = fieldEnd;
        } else {
          return -1;
        }
        at = fieldEnd;
      }
      if (metadataFrom != 0) {
        hasMetadata = true;
        store<u32>(metadataFroms + row * 4, <u32>(metadataFrom - from));
        store<u32>(metadataTos + row * 4, <u32>(metadataTo - from));
      }
      row++;
    }
    if (row == firstRow) continue;
    const stream = streams + <usize>streamsWithRows * 16;
    store<u32>(stream, <u32>(labelsFrom - from));
    store<u32>(stream, <u32>(labelsTo - from), 4);
    store<u32>(stream, <u32>firstRow, 8);
    store<u32>(stream, <u32>row, 12);
    streamsWithRows++;
  }
  return named;
}

export let streamsWithRows: u32 = 0;
export let hasMetadata: bool = false;

/** Later than this is for who can say it: whole seconds up to the year 2262. */
const secondsMax: u64 = 9_223_372_035;

function readTime(from: usize, to: usize, seconds: usize, nanos: usize): bool {
  let at = from;
  store<f64>(seconds, 0);
  store<u32>(nanos, 0);
  while (at < to) {
    const tag = load<u8>(at++);
    let value: u64 = 0;
    let shift: u64 = 0;
    while (true) {
      if (at >= to || shift > 35) return false;
      const byte = <u64>load<u8>(at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      shift += 7;
    }
    if (tag == 8) {
      if (value > secondsMax) return false;
      store<f64>(seconds, <f64>value);
    } else if (tag == 16) {
      if (value >= 1_000_000_000) return false;
      store<u32>(nanos, <u32>value);
    } else {
      return false;
    }
  }
  return true;
}

// ---------------------------------------------------------------- levels

/** From here on memory is the caller's. */
export const freeFrom: usize = __heap_base;

/** What the caller writes here before the first `detect`; see `writeTables` there. */
export const tables: usize = memory.data(4096, 16);
/** Low and high halves of a byte: what both have in common is its class. */
const lowClasses: usize = tables;
const highClasses: usize = tables + 16;
/** By letter & 31: offset of the spellings that begin with it, from `tables`. */
const spellingsByLetter: usize = tables + 32;
/** Names of level fields: u32 offset of the first, 0 for none. */
const fieldNames: usize = tables + 160;

const unknownLevel: i32 = 0;
const absent: i32 = -1;
const delimiterClass: i32 = 0x1f;
const letterClass: i32 = 0x60;

export let jsonDepthMax: i32 = 0;
/** The next `=` of the content and where the look for it began: lines come in order. */
let equalsAt: usize = 0;
let equalsFrom: usize = 1;
let contentEnd: usize = 0;

/** Another content; call it before the first `detect` of its lines. */
export function beginContent(end: usize, depthMax: i32): void {
  contentEnd = end;
  jsonDepthMax = depthMax;
  equalsAt = 0;
  equalsFrom = usize.MAX_VALUE;
}

/** Number of the level of the line [from, to), as LevelDetector (src/ingest/level.ts) finds it. */
export function detect(from: usize, to: usize): i32 {
  if (from == to) return unknownLevel;
  if (load<u8>(from) == 0x7b && load<u8>(to - 1) == 0x7d) {
    const level = levelInJson(from, to);
    if (level != absent) return level;
  } else if (hasEquals(from, to)) {
    const level = levelInLogfmt(from, to);
    if (level != absent) return level;
  }
  return levelInWords(from, to);
}

function hasEquals(from: usize, to: usize): bool {
  if (from < equalsFrom || equalsAt < from) {
    equalsFrom = from;
    equalsAt = find(from, contentEnd, 0x3d);
  }
  return equalsAt < to;
}

/** The first `byte` in [from, to), or `to`. */
function find(from: usize, to: usize, byte: u8): usize {
  const wanted = i8x16.splat(<i8>byte);
  for (let at = from; at < to; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), wanted));
    if (found != 0) {
      const place = at + <usize>ctz(found);
      return place < to ? place : to;
    }
  }
  return to;
}

/** The first word that is the name of a level. */
function levelInWords(from: usize, to: usize): i32 {
  const lows = v128.load(lowClasses);
  const highs = v128.load(highClasses);
  const low4 = i8x16.splat(0x0f);
  const delimiters = i8x16.splat(<i8>delimiterClass);
  const letters = i8x16.splat(<i8>letterClass);
  const none = i8x16.splat(0);
  let carry = 1;
  for (let at = from; at < to; at += 16) {
    const bytes = v128.load(at);
    const classes = v128.and(
      v128.swizzle(lows, v128.and(bytes, low4)),
      v128.swizzle(highs, i8x16.shr_u(bytes, 4)),
    );
    const ends = i8x16.bitmask(i8x16.ne(v128.and(classes, delimiters), none));
    const begins = i8x16.bitmask(i8x16.ne(v128.and(classes, letters), none));
    let words = begins & ((ends << 1) | carry);
    carry = (ends >> 15) & 1;
    while (words != 0) {
      const word = at + <usize>ctz(words);
      words &= words - 1;
      if (word + 2 >= to) return unknownLevel;
      const level = wordAt(word, to);
      if (level != unknownLevel) return level;
    }
  }
  return unknownLevel;
}

function isDelimiter(byte: u32): bool {
  const common = load<u8>(lowClasses + (byte & 15)) & load<u8>(highClasses + (byte >> 4));
  return (common & delimiterClass) != 0;
}

/** A spelling: u8 bytes behind its first letter (0 ends the list), u8 level, those bytes. */
function wordAt(at: usize, to: usize): i32 {
  let entry = tables + <usize>load<u32>(spellingsByLetter + ((<usize>load<u8>(at) & 31) << 2));
  while (true) {
    const length = <usize>load<u8>(entry);
    if (length == 0) return unknownLevel;
    const end = at + 1 + length;
    if (
      end <= to &&
      (end == to || isDelimiter(load<u8>(end))) &&
      isRest(at + 1, entry + 2, length)
    ) {
      return load<u8>(entry, 1);
    }
    entry += length + 2;
  }
}

function isRest(at: usize, rest: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) {
    if ((load<u8>(at + i) | 0x20) != load<u8>(rest + i)) return false;
  }
  return true;
}

function levelOfValue(from: usize, to: usize): i32 {
  if (from >= to) return unknownLevel;
  const first = load<u8>(from);
  // The first letter is looked up as it is: no other byte may pass for one.
  if ((first | 0x20) < 0x61 || (first | 0x20) > 0x7a) return unknownLevel;
  let entry = tables + <usize>load<u32>(spellingsByLetter + ((<usize>first & 31) << 2));
  while (true) {
    const length = <usize>load<u8>(entry);
    if (length == 0) return unknownLevel;
    if (to - from == length + 1 && isRest(from + 1, entry + 2, length)) return load<u8>(entry, 1);
    entry += length + 2;
  }
}

/** Whether [from, to) is one of the level fields: u8 length (0 ends the list), the name. */
function isLevelField(from: usize, to: usize): bool {
  let entry = load<u32>(fieldNames);
  if (entry == 0) return false;
  let name = tables + <usize>entry;
  while (true) {
    const length = <usize>load<u8>(name);
    if (length == 0) return false;
    if (to - from == length && memory.compare(from, name + 1, length) == 0) return true;
    name += length + 1;
  }
}

function levelInLogfmt(from: usize, to: usize): i32 {
  let at = from;
  while (at < to) {
    if (load<u8>(at) <= 0x20) {
      at++;
      continue;
    }
    const keyFrom = at;
    while (at < to) {
      const byte = load<u8>(at);
      if (byte <= 0x20 || byte == 0x3d || byte == 0x22) break;
      at++;
    }
    if (at < to && load<u8>(at) == 0x22) return absent;
    if (at >= to || load<u8>(at) != 0x3d) continue;
    if (at == keyFrom) return absent;
    const keyTo = at++;
    let valueFrom = at;
    let valueTo = at;
    if (at < to && load<u8>(at) == 0x22) {
      valueFrom = ++at;
      valueTo = stringEnd(at, to);
      if (valueTo >= to) return absent;
      at = valueTo + 1;
    } else {
      while (at < to) {
        const byte = load<u8>(at);
        if (byte <= 0x20) break;
        if (byte == 0x3d || byte == 0x22) return absent;
        at++;
      }
      valueTo = at;
    }
    if (isLevelField(keyFrom, keyTo)) return levelOfValue(valueFrom, valueTo);
  }
  return absent;
}

function levelInJson(from: usize, to: usize): i32 {
  let at = from + 1;
  let depth = 1;
  while (at < to) {
    const byte = load<u8>(at);
    if (byte == 0x7d) {
      if (--depth == 0) return absent;
      at++;
      continue;
    }
    if (byte != 0x22) {
      if (byte > 0x20 && byte != 0x2c) return absent;
      at++;
      continue;
    }
    const keyFrom = at + 1;
    const keyTo = stringEnd(keyFrom, to);
    at = keyTo + 1;
    while (at < to && (load<u8>(at) <= 0x20 || load<u8>(at) == 0x3a)) at++;
    if (at >= to) return absent;
    const first = load<u8>(at);
    if (first == 0x22) {
      const valueTo = stringEnd(at + 1, to);
      if (valueTo >= to) return absent;
      if (isLevelField(keyFrom, keyTo)) return levelOfValue(at + 1, valueTo);
      at = valueTo + 1;
    } else if (first == 0x7b && (jsonDepthMax <= 0 || depth < jsonDepthMax)) {
      depth++;
      at++;
    } else if (first == 0x7b || first == 0x5b) {
      at = nestedEnd(at, to);
    } else {
      while (at < to && load<u8>(at) != 0x2c && load<u8>(at) != 0x7d) at++;
    }
  }
  return absent;
}

/** Of the quote that ends a string, or `to` and above. */
function stringEnd(from: usize, to: usize): usize {
  const quotes = i8x16.splat(0x22);
  const escapes = i8x16.splat(0x5c);
  let at = from;
  while (at < to) {
    const bytes = v128.load(at);
    const found = i8x16.bitmask(v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, escapes)));
    if (found == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(found);
    if (at >= to) return to;
    if (load<u8>(at) == 0x22) return at;
    at += 2;
  }
  return to;
}

/** Behind the object or list that begins at `from`. */
function nestedEnd(from: usize, to: usize): usize {
  let depth = 0;
  for (let at = from; at < to; at++) {
    const byte = load<u8>(at);
    if (byte == 0x22) at = stringEnd(at + 1, to);
    else if (byte == 0x7b || byte == 0x5b) depth++;
    else if (byte == 0x7d || byte == 0x5d) {
      if (--depth == 0) return at + 1;
    }
  }
  return to;
}
