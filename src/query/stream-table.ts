import { type LabelPair, Labels } from "#model";
import type { Row } from "#pipeline";
import type { StreamResult } from "./engine.ts";
import { tenantLabel } from "./tenant-scope.ts";

/** The labels of an entry of an answer. Entries of equal `key` make one stream. */
export interface StreamInfo {
  readonly key: string;
  readonly labels: Labels;
  readonly streamLabels: readonly LabelPair[];
  readonly structuredMetadata: readonly LabelPair[];
  readonly parsed: readonly LabelPair[];
}

/** An entry that comes into the answer. */
export interface AnswerEntry {
  readonly timeNs: bigint;
  readonly line: string;
  readonly stream: StreamInfo;
}

/**
 * The streams of an answer: entries of equal effective labels (and, for categorised answers, equal
 * categories). It forgets what it knows after `rememberedMax` of them, for readers that go on and
 * on; equal streams are then no longer one object, but still have one key.
 */
export class StreamTable {
  readonly #isMulti: boolean;
  readonly #categorize: boolean;
  readonly #rememberedMax: number;
  readonly #known = new Map<string, StreamInfo>();

  constructor(options: {
    isMulti: boolean;
    categorize: boolean | undefined;
    rememberedMax?: number;
  }) {
    this.#isMulti = options.isMulti;
    this.#categorize = options.categorize ?? false;
    this.#rememberedMax = options.rememberedMax ?? Number.POSITIVE_INFINITY;
  }

  of(row: Row, tenant: string): StreamInfo {
    const labels = row.labels();
    let key = this.#isMulti ? `${tenant}\ud802${labels.key}` : labels.key;
    if (this.#categorize) {
      const parsed = Labels.of(row.parsedLabels());
      const metadata = Labels.of(row.structuredMetadata());
      key = [key, row.streamLabels().key, metadata.key, parsed.key].join("\ud802");
    }
    let info = this.#known.get(key);
    if (info === undefined) {
      if (this.#known.size >= this.#rememberedMax) this.#known.clear();
      info = this.#infoOf(row, tenant, key);
      this.#known.set(key, info);
    }
    return info;
  }

  #infoOf(row: Row, tenant: string, key: string): StreamInfo {
    const added: LabelPair[] = this.#isMulti ? [[tenantLabel, tenant]] : [];
    const withTenant = (labels: Labels): Labels =>
      added.length === 0 ? labels : Labels.of([...labels.pairs, ...added]);
    return {
      key,
      labels: withTenant(row.labels()),
      streamLabels: withTenant(row.streamLabels()).pairs,
      structuredMetadata: [...row.structuredMetadata()],
      parsed: [...row.parsedLabels()],
    };
  }
}

/**
 * Entries as streams, sorted by labels; with `keepsOrder` in the order of their first entries.
 */
export function streamResults(
  kept: readonly AnswerEntry[],
  options: { keepsOrder: boolean } = { keepsOrder: false },
): StreamResult[] {
  const found = new Map<
    string,
    { info: StreamInfo; entries: { timeNs: bigint; line: string; position: number }[] }
  >();
  for (const [position, { stream, timeNs, line }] of kept.entries()) {
    const known = found.get(stream.key) ?? { info: stream, entries: [] };
    found.set(stream.key, known);
    known.entries.push({ timeNs, line, position });
  }
  const streams = [...found.values()];
  if (!options.keepsOrder) {
    streams.sort((a, b) => (a.info.labels.key < b.info.labels.key ? -1 : 1));
  }
  return streams.map(({ info, entries }) => ({
    labels: info.labels.pairs,
    streamLabels: info.streamLabels,
    structuredMetadata: info.structuredMetadata,
    parsed: info.parsed,
    entries,
  }));
}
