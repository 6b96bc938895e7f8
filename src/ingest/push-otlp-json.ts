import { RequestError } from "#base";
import { JsonReader } from "#codec";
import type { Limits } from "#config";
import type { LabelPair } from "#model";
import type { DecodedPush } from "./push-columns.ts";
import { OtlpMapper, recordNames as names } from "./push-otlp.ts";
import { OtlpTime } from "./push-otlp-time.ts";
import {
  type AnyValue,
  emptyValue,
  flattenAttribute,
  type KeyValue,
  newRecord,
  newResource,
  newScope,
  type OtlpRecord,
  type OtlpResource,
  type OtlpScope,
  valueDepthMax,
} from "./push-otlp-value.ts";

/**
 * ExportLogsServiceRequest from OTLP's JSON: keys in camel or snake case, 64-bit numbers as text or
 * as numbers, ids in hexadecimal, bytes in base64. Overwrites `bytes`, which the result keeps.
 * Malformed input is a RequestError 400.
 */
export function decodeOtlpJson(
  bytes: Buffer,
  how: { readonly limits: Limits; readonly nowNs: bigint },
): DecodedPush {
  const mapper = new OtlpMapper(bytes, how.limits, how.nowNs);
  const time = new OtlpTime();
  for (const resource of readRequest(new JsonReader(bytes))) {
    mapper.beginResource(mapper.prepare(resource));
    for (const scope of resource.scopes) {
      mapper.beginScope(scope);
      for (const record of scope.records) addRecord(mapper, record, time);
    }
  }
  return mapper.build();
}

function readRequest(reader: JsonReader): OtlpResource[] {
  let resources: OtlpResource[] = [];
  eachMember(reader, (key) => {
    if (key !== "resourcelogs") return false;
    resources = readList(reader, () => readResource(reader));
    return true;
  });
  return resources;
}

function addRecord(mapper: OtlpMapper, record: OtlpRecord, time: OtlpTime): void {
  const { own, actions, rows } = mapper;
  const labels: LabelPair[] = [];
  for (const attribute of record.attributes) {
    const action = actions.log(attribute.key);
    if (action === "index_label") flattenAttribute(attribute, mapper.bytes, labels);
    else if (action !== "drop") mapper.addAttribute(own, attribute);
  }
  if (record.timeNs !== 0n && record.observedNs !== 0n) {
    time.setNs(record.observedNs);
    own.addText(names.observed, time.text());
  }
  if (record.severityNumber !== 0) own.addNumber(names.severityNumber, record.severityNumber);
  own.addText(names.severityText, record.severityText);
  if (mapper.limits.otlp.severityTextAsLabel && record.severityText !== "") {
    labels.push([names.severityText.text, record.severityText]);
  }
  if (record.droppedAttributesCount !== 0) {
    own.addNumber(names.dropped, record.droppedAttributesCount);
  }
  if (record.flags !== 0) own.addNumber(names.flags, record.flags);
  own.addText(names.traceId, record.traceId);
  own.addText(names.spanId, record.spanId);
  own.addText(names.eventName, record.eventName);
  const row = mapper.addRow(labels);
  time.setNs(record.timeNs || record.observedNs || mapper.nowNs);
  rows.epochSeconds[row] = time.seconds;
  rows.nanos[row] = time.nanos;
  mapper.setLine(row, record.body);
}

/**
 * Calls `read` with every key, lower-cased without underscores; when it answers false the value is
 * passed over.
 */
function eachMember(reader: JsonReader, read: (key: string) => boolean): void {
  if (reader.tryNull()) return;
  reader.expect(0x7b);
  for (let first = true; reader.more(0x7d, first); first = false) {
    const key = reader.keyText().toLowerCase().replaceAll("_", "");
    if (!read(key)) reader.skip();
  }
}

function readList<T>(reader: JsonReader, readItem: () => T): T[] {
  const items: T[] = [];
  if (reader.tryNull()) return items;
  reader.expect(0x5b);
  for (let first = true; reader.more(0x5d, first); first = false) items.push(readItem());
  return items;
}

function readResource(reader: JsonReader): OtlpResource {
  const resource = newResource();
  eachMember(reader, (key) => {
    if (key === "resource") {
      eachMember(reader, (inner) => {
        if (inner === "attributes") resource.attributes = readPairs(reader, 0);
        else if (inner === "droppedattributescount") {
          resource.droppedAttributesCount = Number(readInteger(reader));
        } else return false;
        return true;
      });
    } else if (key === "scopelogs") {
      resource.scopes = readList(reader, () => readScope(reader));
    } else {
      return false;
    }
    return true;
  });
  return resource;
}

function readScope(reader: JsonReader): OtlpScope {
  const scope = newScope();
  eachMember(reader, (key) => {
    if (key === "scope") eachMember(reader, (inner) => readInstrumentation(reader, scope, inner));
    else if (key === "logrecords") scope.records = readList(reader, () => readRecord(reader));
    else return false;
    return true;
  });
  return scope;
}

function readInstrumentation(reader: JsonReader, scope: OtlpScope, key: string): boolean {
  switch (key) {
    case "name":
      scope.name = readText(reader);
      return true;
    case "version":
      scope.version = readText(reader);
      return true;
    case "attributes":
      scope.attributes = readPairs(reader, 0);
      return true;
    case "droppedattributescount":
      scope.droppedAttributesCount = Number(readInteger(reader));
      return true;
    default:
      return false;
  }
}

type RecordReader = (reader: JsonReader, record: OtlpRecord) => void;

const recordFields: Record<string, RecordReader> = {
  timeunixnano: (reader, record) => {
    record.timeNs = readInteger(reader);
  },
  observedtimeunixnano: (reader, record) => {
    record.observedNs = readInteger(reader);
  },
  severitynumber: (reader, record) => {
    record.severityNumber = readSeverity(reader);
  },
  severitytext: (reader, record) => {
    record.severityText = readText(reader);
  },
  body: (reader, record) => {
    record.body = readValue(reader, 0);
  },
  attributes: (reader, record) => {
    record.attributes = readPairs(reader, 0);
  },
  droppedattributescount: (reader, record) => {
    record.droppedAttributesCount = Number(readInteger(reader));
  },
  flags: (reader, record) => {
    record.flags = Number(readInteger(reader));
  },
  traceid: (reader, record) => {
    record.traceId = readId(reader, 16);
  },
  spanid: (reader, record) => {
    record.spanId = readId(reader, 8);
  },
  eventname: (reader, record) => {
    record.eventName = readText(reader);
  },
};

function readRecord(reader: JsonReader): OtlpRecord {
  const record = newRecord();
  eachMember(reader, (key) => {
    const read = Object.hasOwn(recordFields, key) ? recordFields[key] : undefined;
    if (read === undefined) return false;
    read(reader, record);
    return true;
  });
  return record;
}

function readText(reader: JsonReader): string {
  return reader.tryNull() ? "" : reader.text();
}

/** A whole number, as text or not. */
function readInteger(reader: JsonReader): bigint {
  if (reader.tryNull()) return 0n;
  const text = reader.peek() === 0x22 ? reader.text() : reader.scalar();
  if (!/^-?\d{1,20}$/.test(text)) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw new RequestError(400, `invalid JSON: ${shown} is no whole number at byte ${reader.at}`);
  }
  return BigInt(text);
}

function readSeverity(reader: JsonReader): number {
  if (reader.peek() !== 0x22) return Number(readInteger(reader));
  const text = reader.text();
  if (/^\d{1,4}$/.test(text)) return Number(text);
  const parts = /^SEVERITY_NUMBER_(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)([2-4]?)$/.exec(text);
  if (parts === null) return 0;
  const names = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
  return names.indexOf(parts[1]!) * 4 + (parts[2] === "" ? 1 : Number(parts[2]));
}

function readId(reader: JsonReader, length: number): string {
  const text = readText(reader).toLowerCase();
  if (text === "") return "";
  if (text.length !== length * 2 || !/^[0-9a-f]+$/.test(text)) {
    throw new RequestError(
      400,
      `parse ${length === 16 ? "trace_id" : "span_id"}: invalid length or digit`,
    );
  }
  return /^0+$/.test(text) ? "" : text;
}

function readPairs(reader: JsonReader, depth: number): KeyValue[] {
  return readList(reader, () => {
    let key = "";
    let value: AnyValue = emptyValue;
    eachMember(reader, (member) => {
      if (member === "key") key = readText(reader);
      else if (member === "value") value = readValue(reader, depth);
      else return false;
      return true;
    });
    return { key, value };
  });
}

function readValue(reader: JsonReader, depth: number): AnyValue {
  if (depth > valueDepthMax) reader.fail("less nesting");
  let value: AnyValue = emptyValue;
  eachMember(reader, (key) => {
    const read = readValueOf(reader, key, depth);
    if (read === undefined) return false;
    value = read;
    return true;
  });
  return value;
}

function readValueOf(reader: JsonReader, key: string, depth: number): AnyValue | undefined {
  switch (key) {
    case "stringvalue":
      if (reader.tryNull()) return emptyValue;
      reader.string();
      return { kind: "string", from: reader.from, to: reader.to };
    case "boolvalue":
      return {
        kind: "bool",
        value: (reader.peek() === 0x22 ? reader.text() : reader.scalar()) === "true",
      };
    case "intvalue":
      return { kind: "int", text: BigInt.asIntN(64, readInteger(reader)).toString() };
    case "doublevalue":
      return { kind: "double", value: readDouble(reader) };
    case "bytesvalue":
      return { kind: "bytes", value: Buffer.from(readText(reader), "base64") };
    case "arrayvalue": {
      let values: AnyValue[] = [];
      eachMember(reader, (member) => {
        if (member !== "values") return false;
        values = readList(reader, () => readValue(reader, depth + 1));
        return true;
      });
      return { kind: "list", values };
    }
    case "kvlistvalue": {
      let pairs: KeyValue[] = [];
      eachMember(reader, (member) => {
        if (member !== "values") return false;
        pairs = readPairs(reader, depth + 1);
        return true;
      });
      return { kind: "map", pairs };
    }
    default:
      return undefined;
  }
}

function readDouble(reader: JsonReader): number {
  const text = reader.peek() === 0x22 ? reader.text() : reader.scalar();
  if (text === "Infinity" || text === "-Infinity" || text === "NaN") return Number(text);
  const value = text === "" ? Number.NaN : Number(text);
  if (Number.isNaN(value)) {
    throw new RequestError(400, `invalid JSON: ${JSON.stringify(text.slice(0, 40))} is no number`);
  }
  return value;
}
