import type { Answer, ConformanceCase } from "./exchange.ts";

/**
 * How an answer is held against the recorded one: `exact`, `error-message` (the same), `unordered-streams` (streams, and
 * entries of one time, in any order), `float-1e-9` (values within a relative 1e-9 as well), `status-only`.
 */
type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isObject(value)) {
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "undefined";
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function removePath(value: unknown, parts: readonly string[]): void {
  if (value === null || typeof value !== "object") return;
  const [head, ...rest] = parts;
  if (head === undefined) return;
  const target = value as Record<string, unknown>;
  const keys = head === "*" ? Object.keys(target) : head in target ? [head] : [];
  for (const key of keys) {
    if (rest.length > 0) removePath(target[key], rest);
    else if (Array.isArray(value)) target[key] = null;
    else delete target[key];
  }
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]),
  );
}

const resultOf = (body: unknown): unknown =>
  isObject(body) && isObject(body["data"]) ? body["data"]["result"] : undefined;

/** What both bodies go through before they are compared. */
export function normalise(body: unknown, item: ConformanceCase): unknown {
  let out = structuredClone(body);
  if (isObject(out) && isObject(out["data"])) delete out["data"]["stats"];
  const result = resultOf(out);
  if (Array.isArray(result) && !item.path.includes("volume")) dropEmptyLabels(result);
  for (const path of item.ignore ?? []) removePath(out, path.split("."));
  if (item.loose !== undefined && Array.isArray(result)) {
    (out as { data: Record<string, unknown> }).data["result"] = withoutLabels(result, item.loose);
  }
  const masks = (item.mask ?? []).map((mask) => new RegExp(mask, "g"));
  for (const mask of masks) out = mapStrings(out, (text) => text.replace(mask, "<masked>"));
  return typeof out === "string" ? out.replace(/\s+$/, "") : out;
}

/** In a metric an empty label and an absent one are the same. */
function dropEmptyLabels(result: readonly unknown[]): void {
  for (const series of result) {
    const metric = isObject(series) ? series["metric"] : undefined;
    if (!isObject(metric)) continue;
    for (const [name, value] of Object.entries(metric)) if (value === "") delete metric[name];
  }
}

interface StreamLike {
  stream: Record<string, string>;
  values: [string, ...unknown[]][];
}

function withoutLabels(result: readonly unknown[], names: readonly string[]): unknown[] {
  const joined = new Map<string, StreamLike>();
  for (const item of result as StreamLike[]) {
    const kept = Object.entries(item.stream ?? {}).filter(([name]) => !names.includes(name));
    const stream = Object.fromEntries(kept);
    const key = canonical(stream);
    const known = joined.get(key) ?? { ...item, stream, values: [] };
    known.values.push(...item.values);
    joined.set(key, known);
  }
  for (const item of joined.values()) item.values.sort((a, b) => order(a[0], b[0]));
  return [...joined.values()];
}

function seriesKey(item: unknown): string {
  const series = item as Json;
  return canonical(series["metric"] ?? series["stream"] ?? series["labels"] ?? series);
}

function sortedSeries(items: readonly unknown[]): unknown[] {
  return items
    .map((item) => {
      const isStream =
        isObject(item) && item["stream"] !== undefined && Array.isArray(item["values"]);
      return isStream ? { ...item, values: tiesSorted(item["values"] as [string][]) } : item;
    })
    .sort((a, b) => order(seriesKey(a), seriesKey(b)) || order(canonical(a), canonical(b)));
}

function orderless(body: unknown): unknown {
  if (Array.isArray(body)) return [...body].sort((a, b) => order(canonical(a), canonical(b)));
  if (!isObject(body)) return body;
  const result = resultOf(body);
  if (Array.isArray(result) && (body["data"] as Json)["resultType"] !== "scalar") {
    return { ...body, data: { ...(body["data"] as Json), result: sortedSeries(result) } };
  }
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      Array.isArray(value) ? sortedSeries(value) : value,
    ]),
  );
}

function tiesSorted(values: readonly [string][]): unknown[] {
  const out: unknown[] = [];
  for (let from = 0; from < values.length; ) {
    let to = from;
    while (to < values.length && values[to]![0] === values[from]![0]) to++;
    out.push(...values.slice(from, to).sort((a, b) => order(canonical(a), canonical(b))));
    from = to;
  }
  return out;
}

function short(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : canonical(value);
  return text.length > 260 ? `${text.slice(0, 260)}… (${text.length} chars)` : text;
}

function closeEnough(a: unknown, b: unknown): boolean {
  const x = Number(String(a).replace("Inf", "Infinity"));
  const y = Number(String(b).replace("Inf", "Infinity"));
  if (Number.isNaN(x) || Number.isNaN(y)) return false;
  if (x === y) return true;
  const scale = Math.max(1e-300, Math.abs(x), Math.abs(y));
  return Math.abs(x - y) <= 1e-9 * scale || (Math.abs(x) < 1e-12 && Math.abs(y) < 1e-12);
}

/** The first difference, in words, or undefined. */
function difference(
  want: unknown,
  got: unknown,
  path: string,
  floats: boolean,
): string | undefined {
  if (want === got) return undefined;
  if (Array.isArray(want) && Array.isArray(got)) {
    for (let i = 0; i < Math.min(want.length, got.length); i++) {
      const found = difference(want[i], got[i], `${path}[${i}]`, floats);
      if (found !== undefined) return found;
    }
    if (want.length === got.length) return undefined;
    const extra = want.length > got.length ? want[got.length] : got[want.length];
    return `${path}: expected ${want.length} elements, got ${got.length}; first odd ${short(extra)}`;
  }
  if (isObject(want) && isObject(got)) {
    for (const key of new Set([...Object.keys(want), ...Object.keys(got)])) {
      if (!(key in got)) return `${path}.${key}: missing, expected ${short(want[key])}`;
      if (!(key in want)) return `${path}.${key}: not expected, got ${short(got[key])}`;
      const found = difference(want[key], got[key], `${path}.${key}`, floats);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const areScalars = typeof want === typeof got && ["string", "number"].includes(typeof want);
  if (floats && areScalars && closeEnough(want, got)) return undefined;
  return `${path}: expected ${short(want)}, got ${short(got)}`;
}

const media = (type: string): string => type.split(";")[0]!.trim().toLowerCase();

/** Undefined when the answer satisfies the case, else what is wrong. */
export function compareCase(item: ConformanceCase, got: Answer): string | undefined {
  const statuses = [item.status, ...(item.alsoStatus ?? [])];
  if (!statuses.includes(got.status)) {
    return `status: expected ${item.status}, got ${got.status}: ${short(got.body)}`;
  }
  if (item.compare === "status-only") return undefined;
  if (item.contentType !== undefined && media(item.contentType) !== media(got.contentType)) {
    return `content type: expected ${item.contentType}, got ${got.contentType}`;
  }
  for (const [name, value] of Object.entries(item.responseHeaders ?? {})) {
    const have = got.headers.get(name);
    if (have !== value) return `header ${name}: expected ${short(value)}, got ${short(have)}`;
  }
  for (const path of item.has ?? []) {
    const value = path
      .split(".")
      .reduce<unknown>((at, key) => (at as Json | undefined)?.[key], got.body);
    if (value === undefined) return `${path}: missing`;
  }
  const want = normalise(item.response, item);
  const have = normalise(got.body, item);
  switch (item.compare) {
    case "exact":
    case "error-message":
      return difference(want, have, "body", false);
    case "unordered-streams":
      return difference(orderless(want), orderless(have), "body", false);
    case "float-1e-9":
      if (item.ordered === true) return difference(want, have, "body", true);
      return difference(orderless(want), orderless(have), "body", true);
    default:
      return `unknown comparison ${item.compare}`;
  }
}
