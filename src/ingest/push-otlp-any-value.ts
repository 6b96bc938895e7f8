import { RequestError } from "#base";
import type { ProtoReader } from "#codec";
import { type AnyValue, emptyValue, type KeyValue, valueDepthMax } from "./push-otlp-value.ts";

/** OpenTelemetry's AnyValue and KeyValue from protobuf. Malformed input is a RequestError 400. */

/**
 * Calls `read` for every field up to `reader.end`; when it answers false the field is passed over.
 */
export function eachField(
  reader: ProtoReader,
  message: string,
  read: (tag: number) => boolean,
): void {
  while (reader.at < reader.end) {
    const tag = reader.tag(message);
    if (!read(tag)) reader.skip(tag, message);
  }
}

/** Reads a length-delimited value with `read`, which sees only that value. */
export function within<T>(reader: ProtoReader, read: (reader: ProtoReader) => T): T {
  const end = reader.end;
  const to = reader.span();
  reader.end = to;
  const result = read(reader);
  reader.at = to;
  reader.end = end;
  return result;
}

export function readKeyValue(reader: ProtoReader): KeyValue {
  return readPair(reader, 0);
}

function readPair(reader: ProtoReader, depth: number): KeyValue {
  let key = "";
  let value: AnyValue = emptyValue;
  eachField(reader, "KeyValue", (tag) => {
    if (tag === 10) key = reader.text();
    else if (tag === 18) value = within(reader, (inner) => readValue(inner, depth));
    else return false;
    return true;
  });
  return { key, value };
}

/** Everything up to `reader.end`. */
export function readValue(reader: ProtoReader, depth: number): AnyValue {
  if (depth > valueDepthMax) throw new RequestError(400, "attribute values are nested too deeply");
  let value: AnyValue = emptyValue;
  eachField(reader, "AnyValue", (tag) => {
    if (tag === 10) {
      const to = reader.span();
      value = { kind: "string", from: reader.at, to };
      reader.at = to;
    } else if (tag === 16) value = { kind: "bool", value: reader.varint() !== 0 };
    else if (tag === 24) {
      value = { kind: "int", text: BigInt.asIntN(64, reader.bigVarint()).toString() };
    } else if (tag === 33) value = { kind: "double", value: reader.double() };
    else if (tag === 42) value = within(reader, (inner) => readList(inner, depth + 1));
    else if (tag === 50) value = within(reader, (inner) => readMap(inner, depth + 1));
    else if (tag === 58) {
      const to = reader.span();
      value = { kind: "bytes", value: reader.bytes.subarray(reader.at, to) };
      reader.at = to;
    } else return false;
    return true;
  });
  return value;
}

function readList(reader: ProtoReader, depth: number): AnyValue {
  const values: AnyValue[] = [];
  eachField(reader, "ArrayValue", (tag) => {
    if (tag !== 10) return false;
    values.push(within(reader, (inner) => readValue(inner, depth)));
    return true;
  });
  return { kind: "list", values };
}

function readMap(reader: ProtoReader, depth: number): AnyValue {
  const pairs: KeyValue[] = [];
  eachField(reader, "KeyValueList", (tag) => {
    if (tag !== 10) return false;
    pairs.push(within(reader, (inner) => readPair(inner, depth)));
    return true;
  });
  return { kind: "map", pairs };
}
