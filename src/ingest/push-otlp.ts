import type { Limits } from "#config";
import type { LabelPair } from "#model";
import { type DecodedPush, type DecodedStream, GrowingRows } from "./push-columns.ts";
import { MetadataSets } from "./push-metadata.ts";
import { type OtlpActions, otlpActionsOf } from "./push-otlp-rules.ts";
import {
  type AnyValue,
  flattenAttribute,
  type KeyValue,
  type OtlpRecord,
  type OtlpRequest,
  type OtlpResource,
  type OtlpScope,
  valueText,
} from "./push-otlp-value.ts";
import { type StreamLabels, streamLabelsOf } from "./validate-labels.ts";

/**
 * OpenTelemetry logs as entries, as Loki maps them: some resource attributes become labels,
 * everything else structured metadata, the body is the line. Of equal names in one entry the last
 * of record, resource, scope wins.
 */
export function mapOtlp(request: OtlpRequest, limits: Limits, nowNs: bigint): DecodedPush {
  const mapper = new OtlpMapper(request, limits, nowNs);
  for (const resource of request.resources) mapper.addResource(resource);
  return mapper.build();
}

class OtlpMapper {
  readonly #bytes: Buffer;
  readonly #limits: Limits;
  readonly #nowNs: bigint;
  readonly #actions: OtlpActions;
  readonly #rows = new GrowingRows();
  readonly #sets: MetadataSets;
  readonly #streams: DecodedStream[] = [];
  readonly #labels = new Map<string, StreamLabels>();
  /** Lines that are not a string of the request: put behind its bytes. */
  readonly #extraLines: Buffer[] = [];
  #extraBytes = 0;

  constructor(request: OtlpRequest, limits: Limits, nowNs: bigint) {
    this.#bytes = request.bytes;
    this.#limits = limits;
    this.#nowNs = nowNs;
    this.#actions = otlpActionsOf(limits.otlp);
    this.#sets = new MetadataSets(request.bytes);
  }

  addResource(resource: OtlpResource): void {
    const labels: LabelPair[] = [];
    const metadata: LabelPair[] = [];
    this.#distribute(resource.attributes, this.#actions.resource, labels, metadata);
    addCount(metadata, "resource_dropped_attributes_count", resource.droppedAttributesCount);
    const base = this.#streamOf(labels);
    for (const scope of resource.scopes) {
      const inherited = [...metadata];
      this.#addScopeMetadata(scope, inherited);
      for (const record of scope.records) this.#addRecord(record, labels, base, inherited);
    }
  }

  #addScopeMetadata(scope: OtlpScope, metadata: LabelPair[]): void {
    const unused: LabelPair[] = [];
    this.#distribute(scope.attributes, this.#actions.scope, unused, metadata);
    addText(metadata, "scope_name", scope.name);
    addText(metadata, "scope_version", scope.version);
    addCount(metadata, "scope_dropped_attributes_count", scope.droppedAttributesCount);
  }

  #addRecord(
    record: OtlpRecord,
    resourceLabels: readonly LabelPair[],
    base: StreamLabels,
    inherited: readonly LabelPair[],
  ): void {
    const labels: LabelPair[] = [];
    const metadata: LabelPair[] = [];
    this.#distribute(record.attributes, this.#actions.log, labels, metadata);
    addRecordFields(record, metadata);
    if (this.#limits.otlp.severityTextAsLabel)
      addText(labels, "severity_text", record.severityText);
    const stream = labels.length === 0 ? base : this.#streamOf([...resourceLabels, ...labels]);
    const rows = this.#rows;
    const row = rows.add();
    const ns = record.timeNs !== 0n ? record.timeNs : record.observedNs;
    const signed = BigInt.asIntN(64, ns !== 0n ? ns : this.#nowNs);
    const seconds = floorDivide(signed, 1_000_000_000n);
    rows.epochSeconds[row] = Number(seconds);
    rows.nanos[row] = Number(signed - seconds * 1_000_000_000n);
    rows.metadataOfRow[row] = this.#sets.ofPairs(
      inherited.length === 0 ? metadata : [...metadata, ...inherited],
    );
    this.#setLine(row, record.body);
    const last = this.#streams.at(-1);
    if (last !== undefined && last.labels === stream) {
      this.#streams[this.#streams.length - 1] = { ...last, toRow: row + 1 };
    } else {
      this.#streams.push({ labels: stream, fromRow: row, toRow: row + 1 });
    }
  }

  #setLine(row: number, body: AnyValue): void {
    const rows = this.#rows;
    if (body.kind === "string") {
      rows.lineStarts[row] = body.from;
      rows.lineEnds[row] = body.to;
      return;
    }
    const line = Buffer.from(valueText(body, this.#bytes));
    rows.lineStarts[row] = this.#bytes.length + this.#extraBytes;
    rows.lineEnds[row] = this.#bytes.length + this.#extraBytes + line.length;
    this.#extraLines.push(line);
    this.#extraBytes += line.length;
  }

  #distribute(
    attributes: readonly KeyValue[],
    actionOf: (key: string) => string,
    labels: LabelPair[],
    metadata: LabelPair[],
  ): void {
    for (const attribute of attributes) {
      const action = actionOf(attribute.key);
      if (action === "index_label") flattenAttribute(attribute, this.#bytes, labels);
      else if (action !== "drop") flattenAttribute(attribute, this.#bytes, metadata);
    }
  }

  /** One object for one set of labels, so that runs of rows of one stream are found by identity. */
  #streamOf(pairs: readonly LabelPair[]): StreamLabels {
    const unique = [...new Map(pairs)];
    const key = JSON.stringify(unique);
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    const stream = streamLabelsOf(unique, this.#limits);
    this.#labels.set(key, stream);
    return stream;
  }

  build(): DecodedPush {
    const { rowCount, lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow } = this.#rows;
    return {
      rowCount,
      bytes:
        this.#extraBytes === 0 ? this.#bytes : Buffer.concat([this.#bytes, ...this.#extraLines]),
      lineStarts: lineStarts.subarray(0, rowCount),
      lineEnds: lineEnds.subarray(0, rowCount),
      epochSeconds: epochSeconds.subarray(0, rowCount),
      nanos: nanos.subarray(0, rowCount),
      metadataOfRow: metadataOfRow.subarray(0, rowCount),
      metadata: this.#sets.build(),
      streams: this.#streams,
      streamCount: this.#streams.length,
    };
  }
}

function addRecordFields(record: OtlpRecord, metadata: LabelPair[]): void {
  if (record.timeNs !== 0n && record.observedNs !== 0n) {
    metadata.push(["observed_timestamp", BigInt.asIntN(64, record.observedNs).toString()]);
  }
  addCount(metadata, "severity_number", record.severityNumber);
  addText(metadata, "severity_text", record.severityText);
  addCount(metadata, "dropped_attributes_count", record.droppedAttributesCount);
  addCount(metadata, "flags", record.flags);
  addText(metadata, "trace_id", record.traceId);
  addText(metadata, "span_id", record.spanId);
  addText(metadata, "event_name", record.eventName);
}

function addText(pairs: LabelPair[], name: string, value: string): void {
  if (value !== "") pairs.push([name, value]);
}

function addCount(pairs: LabelPair[], name: string, value: number): void {
  if (value !== 0) pairs.push([name, String(value)]);
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}
