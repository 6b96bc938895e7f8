import { RequestError } from "#base";
import { ProtoReader } from "#codec";
import {
  type AnyValue,
  emptyValue,
  type KeyValue,
  newRecord,
  newResource,
  newScope,
  type OtlpRecord,
  type OtlpRequest,
  type OtlpResource,
  type OtlpScope,
  valueDepthMax,
} from "./push-otlp-value.ts";

/**
 * ExportLogsServiceRequest (opentelemetry/proto/collector/logs/v1) from protobuf. Fields are told
 * apart by tag = number * 8 + wire type; what is not listed is passed over. Malformed input is a
 * RequestError 400.
 */
export function decodeOtlpProtobuf(bytes: Buffer): OtlpRequest {
  const resources: OtlpResource[] = [];
  const reader = new ProtoReader(bytes);
  eachField(reader, "ExportLogsServiceRequest", (tag) => {
    if (tag !== 10) return false;
    resources.push(within(reader, readResource));
    return true;
  });
  return { bytes, resources };
}

/**
 * Calls `read` for every field up to `reader.end`; when it answers false the field is passed over.
 */
function eachField(reader: ProtoReader, message: string, read: (tag: number) => boolean): void {
  while (reader.at < reader.end) {
    const tag = reader.tag(message);
    if (!read(tag)) reader.skip(tag, message);
  }
}

/** Reads a length-delimited value with `read`, which sees only that value. */
function within<T>(reader: ProtoReader, read: (reader: ProtoReader) => T): T {
  const end = reader.end;
  const to = reader.span();
  reader.end = to;
  const result = read(reader);
  reader.at = to;
  reader.end = end;
  return result;
}

function readResource(reader: ProtoReader): OtlpResource {
  const resource = newResource();
  eachField(reader, "ResourceLogs", (tag) => {
    if (tag === 10) within(reader, () => readResourceAttributes(reader, resource));
    else if (tag === 18) resource.scopes.push(within(reader, readScope));
    else return false;
    return true;
  });
  return resource;
}

function readResourceAttributes(reader: ProtoReader, resource: OtlpResource): void {
  eachField(reader, "Resource", (tag) => {
    if (tag === 10) resource.attributes.push(within(reader, readKeyValue));
    else if (tag === 16) resource.droppedAttributesCount = reader.varint();
    else return false;
    return true;
  });
}

function readScope(reader: ProtoReader): OtlpScope {
  const scope = newScope();
  eachField(reader, "ScopeLogs", (tag) => {
    if (tag === 10) within(reader, () => readInstrumentation(reader, scope));
    else if (tag === 18) scope.records.push(within(reader, readRecord));
    else return false;
    return true;
  });
  return scope;
}

function readInstrumentation(reader: ProtoReader, scope: OtlpScope): void {
  eachField(reader, "InstrumentationScope", (tag) => {
    if (tag === 10) scope.name = reader.text();
    else if (tag === 18) scope.version = reader.text();
    else if (tag === 26) scope.attributes.push(within(reader, readKeyValue));
    else if (tag === 32) scope.droppedAttributesCount = reader.varint();
    else return false;
    return true;
  });
}

function readRecord(reader: ProtoReader): OtlpRecord {
  const record = newRecord();
  eachField(reader, "LogRecord", (tag) => {
    if (tag === 9) record.timeNs = reader.fixed64();
    else if (tag === 16) record.severityNumber = reader.int64();
    else if (tag === 26) record.severityText = reader.text();
    else if (tag === 42) record.body = within(reader, (inner) => readValue(inner, 0));
    else if (tag === 50) record.attributes.push(within(reader, readKeyValue));
    else if (tag === 56) record.droppedAttributesCount = reader.varint();
    else if (tag === 69) record.flags = reader.fixed32();
    else if (tag === 74) record.traceId = readId(reader, 16);
    else if (tag === 82) record.spanId = readId(reader, 8);
    else if (tag === 89) record.observedNs = reader.fixed64();
    else if (tag === 98) record.eventName = reader.text();
    else return false;
    return true;
  });
  return record;
}

/** Hexadecimal; empty when there is none or all its bytes are zero. */
function readId(reader: ProtoReader, length: number): string {
  const to = reader.span();
  const id = reader.bytes.toString("hex", reader.at, to);
  reader.at = to;
  if (id !== "" && id.length !== length * 2) {
    throw new RequestError(400, `invalid length for ${length === 16 ? "TraceID" : "SpanID"}`);
  }
  return /^0*$/.test(id) ? "" : id;
}

function readKeyValue(reader: ProtoReader): KeyValue {
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

function readValue(reader: ProtoReader, depth: number): AnyValue {
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
