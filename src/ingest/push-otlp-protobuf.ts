import { RequestError } from "#base";
import { ProtoReader } from "#codec";
import type { Limits } from "#config";
import type { LabelPair } from "#model";
import type { DecodedPush } from "./push-columns.ts";
import {
  OtlpMapper,
  type OtlpResourceCache,
  type PreparedResource,
  recordNames as names,
} from "./push-otlp.ts";
import type { OtlpKey } from "./push-otlp-names.ts";
import { eachField, readKeyValue, readValue, within } from "./push-otlp-any-value.ts";
import { OtlpTime } from "./push-otlp-time.ts";
import {
  type AnyValue,
  flattenAttribute,
  newResource,
  newScope,
  type OtlpResource,
  type OtlpScope,
} from "./push-otlp-value.ts";

/**
 * ExportLogsServiceRequest (opentelemetry/proto/collector/logs/v1) from protobuf. Fields are told
 * apart by tag = number * 8 + wire type; what is not listed is passed over. Malformed input is a
 * RequestError 400. `bytes` is kept by the result.
 *
 * Nothing is made per record: a resource and its scope are read first, wherever they stand in their
 * message, so that records can be written into rows as they come.
 */
export function decodeOtlpProtobuf(
  bytes: Buffer,
  how: { readonly limits: Limits; readonly nowNs: bigint; readonly resources: OtlpResourceCache },
): DecodedPush {
  const mapper = new OtlpMapper(bytes, how.limits, how.nowNs);
  new Decoder(bytes, mapper, how.resources).readRequest();
  return mapper.build();
}

const none = -1;
/** Larger resources are prepared anew each time, so that many are remembered. */
const resourceBytesMax = 8 * 1024;

const noMessage = Buffer.alloc(0);
const traceIdBytes = 16;
const spanIdBytes = 8;

/** One request. The fields are those of the record that is read; spans are [from, to). */
class Decoder {
  readonly #reader: ProtoReader;
  readonly #mapper: OtlpMapper;
  readonly #resources: OtlpResourceCache;
  #timeLow = 0;
  #timeHigh = 0;
  #observedLow = 0;
  #observedHigh = 0;
  #severityNumber = 0;
  #severityFrom = 0;
  #severityTo = 0;
  #bodyFrom = none;
  #bodyTo = none;
  #dropped = 0;
  #flags = 0;
  #traceFrom = none;
  #spanFrom = none;
  #eventFrom = 0;
  #eventTo = 0;
  #labels: LabelPair[] = [];
  readonly #time = new OtlpTime();

  constructor(bytes: Buffer, mapper: OtlpMapper, resources: OtlpResourceCache) {
    this.#reader = new ProtoReader(bytes);
    this.#mapper = mapper;
    this.#resources = resources;
  }

  readRequest(): void {
    const reader = this.#reader;
    eachField(reader, "ExportLogsServiceRequest", (tag) => {
      if (tag !== 10) return false;
      within(reader, () => this.#readResourceLogs());
      return true;
    });
  }

  #readResourceLogs(): void {
    const reader = this.#reader;
    const from = reader.at;
    this.#mapper.beginResource(this.#resource(fieldOf(reader, "ResourceLogs", 10)));
    reader.at = from;
    eachField(reader, "ResourceLogs", (tag) => {
      if (tag !== 18) return false;
      within(reader, () => this.#readScopeLogs());
      return true;
    });
  }

  /** `message` is a Resource. */
  #resource(message: Buffer): PreparedResource {
    const cache = this.#resources.of(this.#mapper.limits);
    const key = message.length > resourceBytesMax ? undefined : message.toString("latin1");
    const known = key === undefined ? undefined : cache.get(key);
    if (known !== undefined) return known;
    const prepared = this.#mapper.prepare(readResource(new ProtoReader(message)), message);
    if (key !== undefined) cache.set(key, prepared);
    return prepared;
  }

  #readScopeLogs(): void {
    const reader = this.#reader;
    const from = reader.at;
    const message = fieldOf(reader, "ScopeLogs", 10);
    const mapper = this.#mapper;
    if (!mapper.beginKnownScope(message)) {
      mapper.beginScope(readScope(new ProtoReader(message)), message);
    }
    reader.at = from;
    const { end } = reader;
    while (reader.at < end) {
      const tag = reader.tag("ScopeLogs");
      if (tag !== 18) {
        reader.skip(tag, "ScopeLogs");
        continue;
      }
      const to = reader.span();
      reader.end = to;
      this.#readRecord();
      reader.at = to;
      reader.end = end;
    }
  }

  #readRecord(): void {
    this.#clear();
    const reader = this.#reader;
    const { end } = reader;
    while (reader.at < end) this.#readField(reader, reader.tag("LogRecord"));
    this.#addPairs();
    const mapper = this.#mapper;
    const row = mapper.addRow(this.#labels);
    if (this.#labels.length > 0) this.#labels = [];
    this.#setTime(row);
    this.#setLine(row);
  }

  #clear(): void {
    this.#timeLow = this.#timeHigh = 0;
    this.#observedLow = this.#observedHigh = 0;
    this.#severityNumber = 0;
    this.#severityFrom = this.#severityTo = 0;
    this.#bodyFrom = this.#bodyTo = none;
    this.#dropped = this.#flags = 0;
    this.#traceFrom = this.#spanFrom = none;
    this.#eventFrom = this.#eventTo = 0;
  }

  #readField(reader: ProtoReader, tag: number): void {
    switch (tag) {
      case 9:
        this.#timeLow = reader.fixed32();
        this.#timeHigh = reader.fixed32();
        return;
      case 16:
        this.#severityNumber = reader.int64();
        return;
      case 26:
        this.#severityTo = reader.span();
        this.#severityFrom = reader.at;
        reader.at = this.#severityTo;
        return;
      case 42:
        this.#bodyTo = reader.span();
        this.#bodyFrom = reader.at;
        reader.at = this.#bodyTo;
        return;
      case 50:
        this.#readAttribute(reader);
        return;
      case 56:
        this.#dropped = reader.varint();
        return;
      case 69:
        this.#flags = reader.fixed32();
        return;
      case 74:
        this.#traceFrom = readId(reader, traceIdBytes);
        return;
      case 82:
        this.#spanFrom = readId(reader, spanIdBytes);
        return;
      case 89:
        this.#observedLow = reader.fixed32();
        this.#observedHigh = reader.fixed32();
        return;
      case 98:
        this.#eventTo = reader.span();
        this.#eventFrom = reader.at;
        reader.at = this.#eventTo;
        return;
      default:
        reader.skip(tag, "LogRecord");
    }
  }

  #readAttribute(reader: ProtoReader): void {
    const { end } = reader;
    const to = reader.span();
    reader.end = to;
    const from = reader.at;
    let keyFrom = from;
    let keyTo = from;
    let valueFrom = none;
    let valueTo = none;
    while (reader.at < to) {
      const tag = reader.tag("KeyValue");
      if (tag === 10) {
        keyTo = reader.span();
        keyFrom = reader.at;
        reader.at = keyTo;
      } else if (tag === 18) {
        valueTo = reader.span();
        valueFrom = reader.at;
        reader.at = valueTo;
      } else {
        reader.skip(tag, "KeyValue");
      }
    }
    const key = this.#mapper.actions.logKeys.find(reader.bytes, keyFrom, keyTo);
    if (key.action !== "drop" && valueFrom < valueTo) {
      reader.at = valueFrom;
      reader.end = valueTo;
      if (!this.#readPlainValue(reader, key)) {
        reader.at = valueFrom;
        this.#addAttribute(key, readValue(reader, 0));
      }
    }
    reader.at = to;
    reader.end = end;
  }

  /** A string or a number from 0 on, straight into the metadata; false when it is something else. */
  #readPlainValue(reader: ProtoReader, { name, action }: OtlpKey): boolean {
    if (name === undefined || action === "index_label") return false;
    const tag = reader.bytes[reader.at++];
    if (tag === 10) {
      const to = reader.span();
      if (to !== reader.end) return false;
      this.#mapper.own.addSpan(name, reader.bytes, reader.at, to);
      return true;
    }
    if (tag !== 24) return false;
    const value = reader.varint();
    if (reader.at !== reader.end || value > Number.MAX_SAFE_INTEGER) return false;
    this.#mapper.own.addNumber(name, value);
    return true;
  }

  #addAttribute(key: OtlpKey, value: AnyValue): void {
    const attribute = { key: key.text, value };
    const mapper = this.#mapper;
    if (key.action !== "index_label") mapper.addAttribute(mapper.own, attribute);
    else flattenAttribute(attribute, mapper.bytes, this.#labels);
  }

  /** What a record says besides its attributes. */
  #addPairs(): void {
    const { own, bytes, limits } = this.#mapper;
    if ((this.#timeLow | this.#timeHigh) !== 0 && (this.#observedLow | this.#observedHigh) !== 0) {
      const time = this.#time;
      time.setWords(this.#observedHigh, this.#observedLow);
      if (time.seconds < 0) own.addText(names.observed, time.text());
      else own.addNanoseconds(names.observed, time.seconds, time.nanos);
    }
    if (this.#severityNumber !== 0) own.addNumber(names.severityNumber, this.#severityNumber);
    if (this.#severityFrom < this.#severityTo) {
      own.addSpan(names.severityText, bytes, this.#severityFrom, this.#severityTo);
      if (limits.otlp.severityTextAsLabel) {
        const text = bytes.toString("utf8", this.#severityFrom, this.#severityTo);
        this.#labels.push([names.severityText.text, text]);
      }
    }
    if (this.#dropped !== 0) own.addNumber(names.dropped, this.#dropped);
    if (this.#flags !== 0) own.addNumber(names.flags, this.#flags);
    if (this.#traceFrom >= 0) {
      own.addHex(names.traceId, bytes, this.#traceFrom, this.#traceFrom + traceIdBytes);
    }
    if (this.#spanFrom >= 0) {
      own.addHex(names.spanId, bytes, this.#spanFrom, this.#spanFrom + spanIdBytes);
    }
    own.addSpan(names.eventName, bytes, this.#eventFrom, this.#eventTo);
  }

  #setTime(row: number): void {
    const { rows, nowNs } = this.#mapper;
    const time = this.#time;
    if ((this.#timeLow | this.#timeHigh) !== 0) time.setWords(this.#timeHigh, this.#timeLow);
    else if ((this.#observedLow | this.#observedHigh) === 0) time.setNs(nowNs);
    else time.setWords(this.#observedHigh, this.#observedLow);
    rows.epochSeconds[row] = time.seconds;
    rows.nanos[row] = time.nanos;
  }

  #setLine(row: number): void {
    const reader = this.#reader;
    const { rows } = this.#mapper;
    rows.lineStarts[row] = rows.lineEnds[row] = 0;
    if (this.#bodyFrom === this.#bodyTo) return;
    const { at, end } = reader;
    reader.at = this.#bodyFrom;
    reader.end = this.#bodyTo;
    const isString = reader.bytes[reader.at++] === 10;
    const lineTo = isString ? reader.span() : none;
    if (lineTo === this.#bodyTo) {
      rows.lineStarts[row] = reader.at;
      rows.lineEnds[row] = lineTo;
    } else {
      reader.at = this.#bodyFrom;
      this.#mapper.setLine(row, readValue(reader, 0));
    }
    reader.at = at;
    reader.end = end;
  }
}

/** Where an id begins; `none` when there is none or all its bytes are zero. */
function readId(reader: ProtoReader, length: number): number {
  const to = reader.span();
  const from = reader.at;
  reader.at = to;
  if (from === to) return none;
  if (to - from !== length) {
    const what = length === traceIdBytes ? "TraceID" : "SpanID";
    throw new RequestError(400, `invalid length for ${what}`);
  }
  for (let i = from; i < to; i++) if (reader.bytes[i] !== 0) return from;
  return none;
}

/**
 * The value of a message field within the message that is read; of a field that comes several times
 * all of them, which protobuf says is the same as the fields of all in one.
 */
function fieldOf(reader: ProtoReader, message: string, wanted: number): Buffer {
  let found: Buffer = noMessage;
  while (reader.at < reader.end) {
    const tag = reader.tag(message);
    if (tag !== wanted) {
      reader.skip(tag, message);
      continue;
    }
    const to = reader.span();
    const value = reader.bytes.subarray(reader.at, to);
    found = found.length === 0 ? value : Buffer.concat([found, value]);
    reader.at = to;
  }
  return found;
}

function readResource(reader: ProtoReader): OtlpResource {
  const resource = newResource();
  eachField(reader, "Resource", (tag) => {
    if (tag === 10) resource.attributes.push(within(reader, readKeyValue));
    else if (tag === 16) resource.droppedAttributesCount = reader.varint();
    else return false;
    return true;
  });
  return resource;
}

function readScope(reader: ProtoReader): OtlpScope {
  const scope = newScope();
  eachField(reader, "InstrumentationScope", (tag) => {
    if (tag === 10) scope.name = reader.text();
    else if (tag === 18) scope.version = reader.text();
    else if (tag === 26) scope.attributes.push(within(reader, readKeyValue));
    else if (tag === 32) scope.droppedAttributesCount = reader.varint();
    else return false;
    return true;
  });
  return scope;
}
