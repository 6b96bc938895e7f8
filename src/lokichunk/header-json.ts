/**
 * The JSON in front of a chunk's body. Fingerprints go up to 2^64 and times are decimal fractions,
 * so both are read from the digits of the text, never through a double.
 */
import { Labels, type LabelPair } from "#model";
import type { ChunkHeader } from "./chunk.ts";
import { corrupt, type Place } from "./corrupt.ts";

/** The label that Loki puts into every chunk and nowhere else. */
export const metricNameLabel = "__name__";
export const metricName = "logs";

/** Number of the body's format in the header; 128 is its older name. */
export const headerEncoding = 129;
const headerEncodings: readonly number[] = [128, 129];

const fingerprintMax = 2n ** 64n - 1n;

/** A number as it stands in the text. */
class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Reviver of JSON.parse with the source text of the value (ECMAScript proposal, in V8 since 11.4). */
type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;

const keepDigits: SourceReviver = (_key, value, { source }) =>
  typeof value === "number" && source !== undefined ? new Digits(source) : value;

/** What the text says; `metricName` is undefined when `metric` has no `__name__`. */
export interface ParsedHeader {
  readonly header: ChunkHeader;
  readonly metricName: string | undefined;
}

/** StoreError `corrupt` for anything but a header with all that Loki demands. */
export function parseHeaderJson(text: string, place: Place): ParsedHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch (error) {
    throw corrupt(place, "the header is not JSON", error);
  }
  if (!isRecord(parsed)) throw corrupt(place, "the header is not a JSON object");
  const { userID, metric, encoding } = parsed;
  if (typeof userID !== "string") throw corrupt(place, "the header has no userID");
  if (!isRecord(metric)) throw corrupt(place, "the header has no metric");
  const encodingNumber = encoding instanceof Digits ? Number(encoding.text) : undefined;
  if (encodingNumber === undefined || !headerEncodings.includes(encodingNumber)) {
    throw corrupt(place, `the header's encoding is ${encodingNumber}, not ${headerEncoding}`);
  }
  const pairs: LabelPair[] = [];
  let name: string | undefined;
  for (const [key, value] of Object.entries(metric)) {
    if (typeof value !== "string") throw corrupt(place, `label ${key} of the header is no string`);
    if (key === metricNameLabel) name = value;
    else pairs.push([key, value]);
  }
  return {
    header: {
      tenant: userID,
      fingerprint: fingerprintOf(parsed["fingerprint"], place),
      fromMs: millisecondsOf(parsed["from"], "from", place),
      throughMs: millisecondsOf(parsed["through"], "through", place),
      labels: Labels.of(pairs),
      ingestedAtMs:
        parsed["ingestedAt"] === undefined
          ? 0
          : millisecondsOf(parsed["ingestedAt"], "ingestedAt", place),
    },
    metricName: name,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fingerprintOf(value: unknown, place: Place): bigint {
  const text = value instanceof Digits ? value.text : "";
  const isWhole = /^\d{1,20}$/.test(text);
  const fingerprint = isWhole ? BigInt(text) : -1n;
  if (fingerprint < 0n || fingerprint > fingerprintMax) {
    throw corrupt(place, "the header's fingerprint is no unsigned integer of 64 bits");
  }
  return fingerprint;
}

/** Seconds with up to three decimals → ms; more decimals are cut, as Loki does. */
function millisecondsOf(value: unknown, name: string, place: Place): number {
  const text = value instanceof Digits ? value.text : "";
  const match = /^(-?)(\d{1,13})(?:\.(\d+))?$/.exec(text);
  if (match === null) {
    const ms = text === "" ? Number.NaN : Math.trunc(Number(text) * 1000);
    if (Number.isSafeInteger(ms)) return ms;
    throw corrupt(place, `the header's ${name} is no time`);
  }
  const [, sign, seconds, decimals = ""] = match;
  const ms = Number(seconds) * 1000 + Number(decimals.slice(0, 3).padEnd(3, "0"));
  return sign === "-" ? 0 - ms : ms;
}

/** Exactly as Loki writes it, with the newline at its end. */
export function formatHeaderJson(header: ChunkHeader): Buffer {
  const { tenant, fingerprint, fromMs, throughMs, labels, ingestedAtMs } = header;
  const pairs = labels.pairs.filter(([name]) => name !== metricNameLabel);
  const metric = Labels.of([...pairs, [metricNameLabel, metricName]])
    .pairs.map(([name, value]) => `${jsonText(name)}:${jsonText(value)}`)
    .join(",");
  return Buffer.from(
    `{"fingerprint":${fingerprint},"userID":${jsonText(tenant)},"from":${secondsText(fromMs)},` +
      `"through":${secondsText(throughMs)},"metric":{${metric}},` +
      `"ingestedAt":${secondsText(ingestedAtMs)},"encoding":${headerEncoding}}\n`,
  );
}

function secondsText(ms: number): string {
  const rest = Math.abs(ms % 1000);
  const whole = Math.floor(Math.abs(ms) / 1000);
  const text = rest === 0 ? String(whole) : `${whole}.${String(rest).padStart(3, "0")}`;
  return ms < 0 ? `-${text}` : text;
}

/** As Go's encoding/json: also what HTML or JavaScript would take for markup is escaped. */
function jsonText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
