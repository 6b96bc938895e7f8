import { LruMap } from "#base";
import type { Limits } from "#config";
import type { LabelPair } from "#model";
import { type DecodedPush, type DecodedStream, GrowingRows } from "./push-columns.ts";
import { MetadataSets } from "./push-metadata.ts";
import { type OtlpName, otlpName } from "./push-otlp-names.ts";
import { Inherited, OtlpPairs, OtlpSets } from "./push-otlp-pairs.ts";
import { type OtlpActions, otlpActionsOf } from "./push-otlp-rules.ts";
import {
  type AnyValue,
  flattenAttribute,
  type KeyValue,
  type OtlpResource,
  type OtlpScope,
  valueText,
} from "./push-otlp-value.ts";
import { type StreamLabels, streamLabelsOf } from "./validate-labels.ts";

const names = {
  resourceDropped: otlpName("resource_dropped_attributes_count"),
  scopeName: otlpName("scope_name"),
  scopeVersion: otlpName("scope_version"),
  scopeDropped: otlpName("scope_dropped_attributes_count"),
};

/** Metadata of a record besides its attributes. */
export const recordNames: Readonly<
  Record<
    | "observed"
    | "severityNumber"
    | "severityText"
    | "dropped"
    | "flags"
    | "traceId"
    | "spanId"
    | "eventName",
    OtlpName
  >
> = {
  observed: otlpName("observed_timestamp"),
  severityNumber: otlpName("severity_number"),
  severityText: otlpName("severity_text"),
  dropped: otlpName("dropped_attributes_count"),
  flags: otlpName("flags"),
  traceId: otlpName("trace_id"),
  spanId: otlpName("span_id"),
  eventName: otlpName("event_name"),
};

/** What the attributes of a resource become. */
export interface PreparedResource {
  readonly labels: readonly LabelPair[];
  readonly stream: StreamLabels;
  readonly metadata: OtlpPairs;
  /** With what a scope adds, by that scope's bytes; the latest `scopesMax`. */
  readonly scopes: Map<string, Inherited>;
}

/** An SDK names its scopes after loggers, of which a process may have many. */
const scopesMax = 8;
/** Larger ones are not worth remembering. */
const scopeBytesMax = 512;

/** Memory for resources remembered for one set of limits; a fleet sends the same ones for days. */
const resourcesBytesMax = 8 * 1024 * 1024;
/** Tenants with limits of their own have caches of their own; this many stay. */
const cachesMax = 16;
/** Estimates of what a remembered resource takes, by its bytes and beside them, scopes included. */
const resourceGrowth = 12;
const resourceOverheadBytes = 4000;

/** Resources prepared before, by their bytes in protobuf, for one set of limits each. */
export class OtlpResourceCache {
  readonly #byLimits = new LruMap<Limits, LruMap<string, PreparedResource>>({
    weightMax: cachesMax,
  });

  of(limits: Limits): LruMap<string, PreparedResource> {
    const known = this.#byLimits.get(limits);
    if (known !== undefined) return known;
    const cache = new LruMap<string, PreparedResource>({
      name: "otlp_resources",
      weightMax: resourcesBytesMax,
      weigh: (_, key) => key.length * resourceGrowth + resourceOverheadBytes,
    });
    this.#byLimits.set(limits, cache);
    return cache;
  }
}

/**
 * OpenTelemetry logs as entries, as Loki maps them: some resource attributes become labels,
 * everything else structured metadata, the body is the line. Of equal names in one entry the last
 * of record, resource, scope wins.
 *
 * Decoders call `beginResource`, `beginScope` and for each record fill `own` and call `addRow`.
 * `bytes` is the request, kept by the result.
 */
export class OtlpMapper {
  readonly bytes: Buffer;
  readonly limits: Limits;
  /** The time of records that have none. */
  readonly nowNs: bigint;
  readonly actions: OtlpActions;
  readonly rows: GrowingRows = GrowingRows.take();
  /** The metadata of the record that is read; cleared by `addRow`. */
  readonly own: OtlpPairs = OtlpPairs.take();
  readonly #metadata: MetadataSets;
  readonly #sets: OtlpSets;
  readonly #streams: DecodedStream[] = [];
  /** By pairs as they arrive, and by what they are. */
  readonly #labels = new Map<string, StreamLabels>();
  readonly #byKey = new Map<string, StreamLabels>();
  /** Lines that are not a string of the request: put behind its bytes. */
  readonly #extraLines: Buffer[] = [];
  #extraBytes = 0;
  #resource: PreparedResource | undefined;
  #stream: StreamLabels | undefined;
  #inherited: Inherited | undefined;
  #runLabels: StreamLabels | undefined;
  #runFromRow = 0;

  constructor(bytes: Buffer, limits: Limits, nowNs: bigint) {
    this.bytes = bytes;
    this.limits = limits;
    this.actions = otlpActionsOf(limits.otlp);
    this.nowNs = nowNs;
    this.#metadata = new MetadataSets(bytes);
    this.#sets = new OtlpSets(this.#metadata);
  }

  /** Its strings lie in `bytes`. The result may be kept and given to any mapper of these limits. */
  prepare(resource: Omit<OtlpResource, "scopes">, bytes: Buffer = this.bytes): PreparedResource {
    const labels: LabelPair[] = [];
    const others: LabelPair[] = [];
    for (const attribute of resource.attributes) {
      const action = this.actions.resource(attribute.key);
      if (action === "index_label") flattenAttribute(attribute, bytes, labels);
      else if (action !== "drop") flattenAttribute(attribute, bytes, others);
    }
    const metadata = new OtlpPairs(256);
    for (const [name, value] of others) metadata.addText(otlpName(name), value);
    addCount(metadata, names.resourceDropped, resource.droppedAttributesCount);
    return { labels, stream: this.#streamOf(labels), metadata, scopes: new Map() };
  }

  beginResource(resource: PreparedResource): void {
    this.#resource = resource;
    this.#stream = this.#oneOf(resource.stream);
    this.#inherited = undefined;
  }

  /** A scope that this resource had before, by its bytes in protobuf; false when it is unknown. */
  beginKnownScope(message: Buffer): boolean {
    if (message.length > scopeBytesMax) return false;
    this.#inherited = this.#resource!.scopes.get(message.toString("latin1"));
    return this.#inherited !== undefined;
  }

  /** The strings of its attributes lie in `message`, which is undefined when they lie in `bytes`. */
  beginScope(scope: Omit<OtlpScope, "records">, message?: Buffer): void {
    const { metadata, scopes } = this.#resource!;
    const pairs = new OtlpPairs(metadata.length + 64);
    for (let i = 0; i < metadata.count; i++) pairs.addPair(metadata, i);
    pairs.pairBytes = metadata.pairBytes;
    for (const attribute of scope.attributes) {
      if (this.actions.scope(attribute.key) === "drop") continue;
      this.addAttribute(pairs, attribute, message);
    }
    pairs.addText(names.scopeName, scope.name);
    pairs.addText(names.scopeVersion, scope.version);
    addCount(pairs, names.scopeDropped, scope.droppedAttributesCount);
    this.#inherited = new Inherited(pairs);
    if (message === undefined || message.length > scopeBytesMax) return;
    for (const oldest of scopes.keys()) {
      if (scopes.size < scopesMax) break;
      scopes.delete(oldest);
    }
    scopes.set(message.toString("latin1"), this.#inherited);
  }

  /** An attribute of any kind as pairs. */
  addAttribute(pairs: OtlpPairs, attribute: KeyValue, bytes: Buffer = this.bytes): void {
    const flat: LabelPair[] = [];
    flattenAttribute(attribute, bytes, flat);
    for (const [name, value] of flat) pairs.addText(otlpName(name), value);
  }

  /**
   * The record that `own` and the arguments make, as a row; its time and line are the caller's to
   * set. `labels` are those of the record alone.
   */
  addRow(labels: readonly LabelPair[]): number {
    const row = this.rows.add();
    this.rows.metadataOfRow[row] = this.#sets.setOf(this.own, this.#inherited!);
    this.own.clear();
    const stream =
      labels.length === 0 ? this.#stream : this.#streamOf([...this.#resource!.labels, ...labels]);
    if (stream !== this.#runLabels) {
      this.#endRun(row);
      this.#runLabels = stream;
      this.#runFromRow = row;
    }
    return row;
  }

  /** A line that is a string of the request stays where it is; any other is put behind it. */
  setLine(row: number, body: AnyValue): void {
    const { rows } = this;
    if (body.kind === "string") {
      rows.lineStarts[row] = body.from;
      rows.lineEnds[row] = body.to;
      return;
    }
    const line = Buffer.from(valueText(body, this.bytes));
    rows.lineStarts[row] = this.bytes.length + this.#extraBytes;
    rows.lineEnds[row] = this.bytes.length + this.#extraBytes + line.length;
    this.#extraLines.push(line);
    this.#extraBytes += line.length;
  }

  #endRun(toRow: number): void {
    if (this.#runLabels === undefined) return;
    this.#streams.push({ labels: this.#runLabels, fromRow: this.#runFromRow, toRow });
  }

  /** One object for one set of labels, so that runs of rows of one stream are found by identity. */
  #streamOf(pairs: readonly LabelPair[]): StreamLabels {
    const unique = [...new Map(pairs)];
    const key = JSON.stringify(unique);
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    const stream = this.#oneOf(streamLabelsOf(unique, this.limits));
    this.#labels.set(key, stream);
    return stream;
  }

  #oneOf(stream: StreamLabels): StreamLabels {
    const { key } = stream.labels;
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, stream);
    return known ?? stream;
  }

  build(): DecodedPush {
    this.#endRun(this.rows.rowCount);
    this.own.giveBack();
    return {
      ...this.rows.finish(),
      bytes: this.#extraBytes === 0 ? this.bytes : Buffer.concat([this.bytes, ...this.#extraLines]),
      metadata: this.#metadata.build(),
      streams: this.#streams,
      streamCount: this.#streams.length,
    };
  }
}

function addCount(pairs: OtlpPairs, name: OtlpName, value: number): void {
  if (value !== 0) pairs.addNumber(name, value);
}
