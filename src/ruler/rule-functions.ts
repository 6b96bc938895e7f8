/**
 * What templates of labels and annotations can call, as Prometheus documents it
 * (prometheus.io/docs/prometheus/latest/configuration/template_reference); `query` asks in LogQL.
 * Ours: `lines n`, the first entries behind the alert.
 */
import {
  type Evaluated,
  type FunctionContext,
  FunctionError,
  type FunctionTable,
  type GoFunction,
  GoInteger,
  GoMap,
  GoSlice,
  GoTime,
  type GoValue,
  LabelMap,
  textMap,
  unbox,
} from "#gotemplate";
import { formatGeneral, parseGoFloat, utcZone } from "#gofmt";
import { compileRegex } from "#regex";
import { parseRuleDuration } from "./rule-duration.ts";
import { pageUrl } from "./page-url.ts";

/** One sample of a query's answer, as templates see it. */
export interface TemplateSample {
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number;
}

/** What an expansion may ask of the world, answered before it goes on. */
export interface TemplateSources {
  /** The answer of an instant query at the time of the evaluation. */
  query(text: string): readonly TemplateSample[];
  /** The first lines behind the alert at hand. */
  lines(count: number): string;
  readonly externalUrl: string;
}

function numberOf(value: GoValue | undefined): number {
  if (typeof value === "number") return value;
  if (value instanceof GoInteger) {
    return value.type === "time.Duration" ? Number(value.value) / 1e9 : Number(value.value);
  }
  if (typeof value === "string") return parseGoFloat(value);
  throw new FunctionError(`can't convert ${typeof value} to float`);
}

function textAt(args: readonly Evaluated[], at: number): string {
  const value = unbox(args[at]);
  return typeof value === "string" ? value : "";
}

function fn(
  parameters: GoFunction["parameters"],
  run: (args: readonly Evaluated[]) => Evaluated,
): GoFunction {
  return {
    parameters,
    run: (args, context: FunctionContext) => {
      const result = run(args);
      if (typeof result === "string") context.charge(result.length);
      return result;
    },
  };
}

function ofNumber(show: (value: number) => Evaluated): GoFunction {
  return fn(["any"], ([value]) => show(numberOf(unbox(value))));
}

function ofText(show: (text: string) => Evaluated): GoFunction {
  return fn(["string"], (args) => show(textAt(args, 0)));
}

/** Go's `%.4g`. */
function short(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return (value < 0 || Object.is(value, -0) ? "-" : "") + formatGeneral(value, 4);
}

const largePrefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const smallPrefixes = ["m", "u", "n", "p", "f", "a", "z", "y"];
const binaryPrefixes = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

function isPlain(value: number): boolean {
  return value === 0 || !Number.isFinite(value);
}

function scaled(value: number, prefixes: readonly string[], base: number): string {
  let prefix = "";
  let rest = value;
  for (const next of prefixes) {
    if (Math.abs(rest) < base) break;
    prefix = next;
    rest /= base;
  }
  return short(rest) + prefix;
}

export function humanize(value: number): string {
  if (isPlain(value)) return short(value);
  if (Math.abs(value) >= 1) return scaled(value, largePrefixes, 1000);
  let prefix = "";
  let rest = value;
  for (const next of smallPrefixes) {
    if (Math.abs(rest) >= 1) break;
    prefix = next;
    rest *= 1000;
  }
  return short(rest) + prefix;
}

export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || isPlain(value)) return short(value);
  return scaled(value, binaryPrefixes, 1024);
}

export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return short(value);
  if (value === 0) return `${short(value)}s`;
  if (Math.abs(value) < 1) {
    let prefix = "";
    let rest = value;
    for (const next of smallPrefixes) {
      if (Math.abs(rest) >= 1) break;
      prefix = next;
      rest *= 1000;
    }
    return `${short(rest)}${prefix}s`;
  }
  const sign = value < 0 ? "-" : "";
  const total = Math.trunc(Math.abs(value));
  const seconds = total % 60;
  const minutes = Math.trunc(total / 60) % 60;
  const hours = Math.trunc(total / 3600) % 24;
  const days = Math.trunc(total / 86_400);
  if (days !== 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours !== 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes !== 0) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${short(Math.abs(value))}s`;
}

function timeOf(seconds: number): GoTime {
  const ns = BigInt(Math.round(seconds * 1000)) * 1_000_000n;
  return new GoTime({ ns, zone: utcZone });
}

/** `2026-11-22 10:00:00.5 +0000 UTC`, as Go prints a time. */
function humanizeTimestamp(seconds: number): string {
  if (!Number.isFinite(seconds)) return short(seconds);
  const date = new Date(Math.round(seconds * 1000));
  if (Number.isNaN(date.getTime())) throw new FunctionError("time outside the calendar");
  const text = date.toISOString();
  const fraction = text.slice(19, -1).replace(/\.?0+$/, "");
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction} +0000 UTC`;
}

function durationValue(seconds: number): GoInteger {
  return new GoInteger(BigInt(Math.round(seconds * 1e9)), "time.Duration");
}

/** Go's strings.Title: the first letter of each word. */
function title(text: string): string {
  return text.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before: string, letter: string) => {
    return before + letter.toUpperCase();
  });
}

function stripPort(text: string): string {
  const found = /^\[([^\]]*)\]:\d*$|^([^:]*):\d*$/.exec(text);
  return found?.[1] ?? found?.[2] ?? text;
}

function stripDomain(text: string): string {
  const host = stripPort(text);
  const port = text.slice(host.length);
  if (/^[\d.]+$/.test(host) || host.includes(":")) return text;
  return (host.split(".")[0] ?? "") + port;
}

function sampleValue(sample: TemplateSample): GoMap {
  return new GoMap(
    new Map<string, GoValue>([
      ["Labels", textMap(sample.labels)],
      ["Value", sample.value],
    ]),
  );
}

function fieldOf(value: Evaluated, name: "Labels" | "Value"): GoValue {
  const sample = unbox(value);
  if (!(sample instanceof GoMap)) throw new FunctionError("expected a sample of query");
  return sample.entries.get(name) ?? null;
}

function labelOf(name: string, sample: Evaluated): string {
  const labels = fieldOf(sample, "Labels");
  return labels instanceof LabelMap ? (labels.scope.label(name) ?? "") : "";
}

function itemsOf(value: Evaluated): readonly GoValue[] {
  const slice = unbox(value);
  if (!(slice instanceof GoSlice)) throw new FunctionError("expected the answer of query");
  return slice.items;
}

const sampleFunctions: FunctionTable = {
  first: fn(["any"], ([slice]) => {
    const [first] = itemsOf(slice);
    if (first === undefined) throw new FunctionError("first() called on vector with no elements");
    return first;
  }),
  label: fn(["string", "any"], (args) => labelOf(textAt(args, 0), args[1])),
  value: fn(["any"], ([sample]) => fieldOf(sample, "Value")),
  strvalue: fn(["any"], ([sample]) => labelOf("__value__", sample)),
  sortByLabel: fn(["string", "any"], (args) => {
    const name = textAt(args, 0);
    const items = [...itemsOf(args[1])];
    const compare = (a: GoValue, b: GoValue): number => {
      const [x, y] = [labelOf(name, a), labelOf(name, b)];
      return x < y ? -1 : x > y ? 1 : 0;
    };
    return new GoSlice(items.sort(compare));
  }),
};

const numberFunctions: FunctionTable = {
  humanize: ofNumber(humanize),
  humanize1024: ofNumber(humanize1024),
  humanizeDuration: ofNumber(humanizeDuration),
  humanizePercentage: ofNumber((value) => `${short(value * 100)}%`),
  humanizeTimestamp: ofNumber(humanizeTimestamp),
  toDuration: ofNumber(durationValue),
  toTime: ofNumber((value) => (Number.isFinite(value) ? timeOf(value) : null)),
  parseDuration: ofText((text) => {
    const durationMs = parseRuleDuration(text);
    if (durationMs === undefined) {
      throw new FunctionError(`not a valid duration string: ${JSON.stringify(text)}`);
    }
    return durationMs / 1000;
  }),
};

const textFunctions: FunctionTable = {
  match: fn(["string", "string"], (args) => {
    return compileRegex(textAt(args, 0), { anchored: false }).test(textAt(args, 1));
  }),
  reReplaceAll: fn(["string", "string", "string"], (args) => {
    const [pattern, replacement, text] = [textAt(args, 0), textAt(args, 1), textAt(args, 2)];
    const regex = compileRegex(pattern, { anchored: false });
    return regex.replaceAll(text, replacement, { literal: false });
  }),
  safeHtml: ofText((text) => text),
  stripDomain: ofText(stripDomain),
  stripPort: ofText(stripPort),
  title: ofText(title),
  toLower: ofText((text) => text.toLowerCase()),
  toUpper: ofText((text) => text.toUpperCase()),
  urlQueryEscape: ofText((text) => encodeURIComponent(text).replaceAll("%20", "+")),
  args: {
    parameters: [],
    rest: "any",
    run: (args) => new GoMap(new Map(args.map((arg, at) => [`arg${at}`, unbox(arg) ?? null]))),
  },
};

export function ruleFunctions(sources: TemplateSources): FunctionTable {
  const link = (text: string): string => pageUrl(sources.externalUrl, { query: text });
  return {
    ...sampleFunctions,
    ...numberFunctions,
    ...textFunctions,
    query: ofText((text) => new GoSlice(sources.query(text).map(sampleValue))),
    lines: fn(["int"], ([count]) => {
      const value = unbox(count);
      return sources.lines(value instanceof GoInteger ? Number(value.value) : 0);
    }),
    externalURL: fn([], () => sources.externalUrl),
    pathPrefix: fn([], () => pathOf(sources.externalUrl)),
    graphLink: ofText(link),
    tableLink: ofText(link),
  };
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname.replace(/\/$/, "") : "";
}
