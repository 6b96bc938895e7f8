/**
 * The alerts of a group between two evaluations, kept so that a restart changes nothing: JSON at
 * `ruler-state/<tenant>/<base64url of the namespace>/<base64url of the group>`.
 *
 *   { "version": 1, "evaluatedAtMs": …,
 *     "rules": [{ "rule": identity, "alerts": [{ "labels": {}, "annotations": {}, "state": …,
 *       "value": "1", "activeAtMs": …, "firedAtMs"?, "resolvedAtMs"?, "keepFiringSinceMs"?,
 *       "lastSentAtMs"? }] }] }
 */
import { isStoreError, messageOf, StoreError } from "#base";
import { formatSampleValue, parseGoFloat } from "#gofmt";
import { type LabelPair, Labels, validateTenantId } from "#model";
import { isKey, type ObjectStore } from "#objectstore";
import type { ActiveAlert, AlertState } from "./active-alert.ts";

const formatVersion = 1;
const root = "ruler-state/";

export interface GroupAlerts {
  /** The moment of the last evaluation that counted. */
  readonly evaluatedAtMs: number;
  /** By identity of the rule (rule-group.ts). */
  readonly rules: ReadonlyMap<string, readonly ActiveAlert[]>;
}

export interface GroupPlace {
  readonly tenant: string;
  readonly namespace: string;
  readonly name: string;
}

export class AlertStateStore {
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** Undefined when nothing was kept. Throws StoreError. */
  async load(place: GroupPlace): Promise<GroupAlerts | undefined> {
    const key = keyOf(place);
    if (key === undefined) return undefined;
    try {
      return decode(await this.#objects.get(key), key);
    } catch (error) {
      if (isStoreError(error, "missing")) return undefined;
      throw error;
    }
  }

  /** Throws StoreError. */
  async save(place: GroupPlace, alerts: GroupAlerts): Promise<void> {
    const key = keyOf(place);
    if (key !== undefined) await this.#objects.put(key, encode(alerts));
  }

  async remove(place: GroupPlace): Promise<void> {
    const key = keyOf(place);
    if (key !== undefined) await this.#objects.delete(key);
  }
}

/** Undefined for names too long to be a key, which only files can have: their alerts start anew. */
function keyOf({ tenant, namespace, name }: GroupPlace): string | undefined {
  validateTenantId(tenant);
  const parts = [namespace, name].map((part) => Buffer.from(part).toString("base64url"));
  const key = `${root}${tenant}/${parts.join("/")}`;
  return isKey(key) ? key : undefined;
}

interface SavedAlert {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly state: AlertState;
  readonly value: string;
  readonly activeAtMs: number;
  readonly firedAtMs?: number;
  readonly resolvedAtMs?: number;
  readonly keepFiringSinceMs?: number;
  readonly lastSentAtMs?: number;
}

interface SavedGroup {
  readonly version: number;
  readonly evaluatedAtMs: number;
  readonly rules: readonly { readonly rule: string; readonly alerts: readonly SavedAlert[] }[];
}

function encode({ evaluatedAtMs, rules }: GroupAlerts): Buffer {
  const saved: SavedGroup = {
    version: formatVersion,
    evaluatedAtMs,
    rules: [...rules].map(([rule, alerts]) => ({
      rule,
      alerts: alerts.map((alert) => ({
        ...alert,
        labels: alert.labels.toRecord(),
        annotations: alert.annotations.toRecord(),
        value: formatSampleValue(alert.value),
      })) as SavedAlert[],
    })),
  };
  return Buffer.from(JSON.stringify(saved));
}

function decode(bytes: Buffer, key: string): GroupAlerts {
  try {
    const saved = objectOf(JSON.parse(bytes.toString("utf8")), "the group");
    if (saved["version"] !== formatVersion) {
      throw new TypeError(`expected version ${formatVersion}, found ${String(saved["version"])}`);
    }
    const rules = listOf(saved["rules"], "rules").map((one) => {
      const { rule, alerts } = objectOf(one, "a rule");
      return [textOf(rule, "rule"), listOf(alerts, "alerts").map(restored)] as const;
    });
    return { evaluatedAtMs: timeOf(saved, "evaluatedAtMs"), rules: new Map(rules) };
  } catch (error) {
    throw new StoreError("corrupt", `alerts ${key}: ${messageOf(error)}`);
  }
}

const alertStates: readonly AlertState[] = ["pending", "firing", "inactive"];

function restored(saved: unknown): ActiveAlert {
  const alert = objectOf(saved, "an alert");
  const state = alertStates.find((one) => one === alert["state"]);
  if (state === undefined) throw new TypeError(`state is ${JSON.stringify(alert["state"])}`);
  const maybe = (name: string): number | undefined =>
    alert[name] === undefined ? undefined : timeOf(alert, name);
  return {
    labels: labelsOf(alert["labels"], "labels"),
    annotations: labelsOf(alert["annotations"], "annotations"),
    state,
    value: parseGoFloat(textOf(alert["value"], "value")),
    activeAtMs: timeOf(alert, "activeAtMs"),
    firedAtMs: maybe("firedAtMs"),
    resolvedAtMs: maybe("resolvedAtMs"),
    keepFiringSinceMs: maybe("keepFiringSinceMs"),
    lastSentAtMs: maybe("lastSentAtMs"),
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new TypeError(`${what} is no object`);
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${what} is no list`);
}

function textOf(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${what} is no text`);
}

function labelsOf(value: unknown, what: string): Labels {
  const pairs = Object.entries(objectOf(value, what));
  return Labels.of(pairs.map(([name, text]): LabelPair => [name, textOf(text, what)]));
}

/** What a Date holds: 100 million days before and after 1970. */
const timeMsMax = 8_640_000_000_000_000;

function timeOf(object: JsonObject, name: string): number {
  const value = object[name];
  if (typeof value === "number" && Math.abs(value) <= timeMsMax) return value;
  throw new TypeError(`${name} is no time`);
}

export interface RestoreRules {
  /** The first evaluation after the restart. */
  readonly nowMs: number;
  readonly evaluatedAtMs: number;
  readonly intervalMs: number;
  readonly forMs: number;
  readonly outageToleranceMs: number;
  readonly gracePeriodMs: number;
}

/**
 * A pending alert after a restart. Down for at most two intervals: nothing changes. Longer, as
 * Prometheus has it: the time down does not count as pending, an alert does not fire sooner than
 * the grace period after the restart (unless its `for` is shorter), and after more than the
 * tolerated outage it begins anew. Undefined: forget it.
 */
export function afterOutage(alert: ActiveAlert, rules: RestoreRules): ActiveAlert | undefined {
  const { nowMs, evaluatedAtMs, intervalMs, forMs, gracePeriodMs } = rules;
  const downMs = nowMs - evaluatedAtMs;
  if (alert.state !== "pending" || downMs <= 2 * intervalMs) return alert;
  if (downMs > rules.outageToleranceMs) return undefined;
  const remainingMs = forMs - (evaluatedAtMs - alert.activeAtMs);
  if (forMs < gracePeriodMs) return alert;
  const activeAtMs =
    remainingMs < gracePeriodMs ? nowMs + gracePeriodMs - forMs : alert.activeAtMs + downMs;
  return { ...alert, activeAtMs };
}
