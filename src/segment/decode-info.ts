import type { ByteReader } from "./byte-reader.ts";
import type { JournalRange, SegmentInfo } from "./footer.ts";

type Json = Record<string, unknown>;

/** The info section: JSON, of which unknown members are ignored. */
export function decodeInfo(reader: ByteReader): SegmentInfo {
  let json: unknown;
  try {
    json = JSON.parse(reader.bytes.toString("utf8"));
  } catch (error) {
    throw reader.corrupt(`not JSON: ${String(error)}`);
  }
  if (!isObject(json)) throw reader.corrupt("a JSON object expected");
  const text = (name: string): string => {
    const value = json[name];
    if (typeof value !== "string") throw reader.corrupt(`"${name}" is not a string`);
    return value;
  };
  const count = (name: string): number => wholeNumber(reader, json, name);
  const list = (name: string): unknown[] => {
    const value = json[name];
    if (!Array.isArray(value)) throw reader.corrupt(`"${name}" is not a list`);
    return value as unknown[];
  };
  return {
    writer: text("writer"),
    tenant: text("tenant"),
    day: count("day"),
    id: text("id"),
    streamCount: count("streamCount"),
    blockCount: count("blockCount"),
    entryCount: count("entryCount"),
    lineBytes: count("lineBytes"),
    journal: list("journal").map((one) => journalRange(reader, one)),
    replaces: list("replaces").map((id) => {
      if (typeof id !== "string") throw reader.corrupt(`"replaces" holds ${typeof id}`);
      return id;
    }),
  };
}

function journalRange(reader: ByteReader, json: unknown): JournalRange {
  if (!isObject(json)) throw reader.corrupt("a journal range is not an object");
  const { journalId } = json;
  if (typeof journalId !== "string") throw reader.corrupt("a journal range without journalId");
  return {
    journalId,
    fromSequence: wholeNumber(reader, json, "fromSequence"),
    toSequence: wholeNumber(reader, json, "toSequence"),
  };
}

function wholeNumber(reader: ByteReader, json: Json, name: string): number {
  const value = json[name];
  if (!Number.isSafeInteger(value)) throw reader.corrupt(`"${name}" is not a whole number`);
  return value as number;
}

function isObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
