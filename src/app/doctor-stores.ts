/** A small object through every object store and back, and how its server's clock differs from ours. */
import { isStoreError, messageOf } from "#base";
import type { ObjectStoreConfig } from "#config";
import type { ObjectStore } from "#objectstore";
import { createMetrics } from "#telemetry";
import type { DoctorParts } from "./doctor-folders.ts";
import type { Finding } from "./doctor.ts";
import { ObjectStores, placeOf } from "./object-stores.ts";
import { StoreHealth } from "./store-health.ts";

/** Beside everything that formats lay down; gone when the doctor leaves. */
const trialPrefix = "skald-doctor/";
const trialBytes = 64 * 1024;
/** All five steps, retries included; a store that needs longer is of no use. */
const roundTripMsMax = 30_000;
const slowMs = 2_000;
/** S3 refuses requests signed 15 minutes off; entries would be late or from the future before. */
const skewMsWarn = 5_000;
const skewMsBad = 5 * 60_000;

export async function checkObjectStores(parts: DoctorParts): Promise<Finding[]> {
  const { config, io } = parts;
  const { clock, random, files } = io;
  const health = new StoreHealth(createMetrics({ process: false }), clock);
  const world = { clock, random, files };
  const stores = new ObjectStores(config.objectStores, world, health);
  const findings: Finding[] = [];
  for (const [store, names] of configured(parts)) {
    const check = `store ${names.join(", ")}`;
    if (store.kind === "filesystem" && !(await isFolder(store.folder, parts))) continue;
    const signal = new AbortController();
    const cancel = clock.schedule(roundTripMsMax, () =>
      signal.abort(new Error(`no answer within ${roundTripMsMax / 1000} s`)),
    );
    try {
      const objects = await stores.open(store);
      findings.push(...(await roundTrip({ check, store, objects, signal: signal.signal }, parts)));
    } catch (error) {
      const says = `${placeOf(store)}: ${messageOf(error)}`;
      findings.push({ check, status: "error", says, advice: adviceFor(error, store) });
    } finally {
      cancel();
    }
  }
  return findings;
}

/** Those that periods use, and all remote ones, each once with all its names. */
function configured({ config }: DoctorParts): Map<ObjectStoreConfig, string[]> {
  const used = new Set(config.schemaPeriods.map(({ objectStore }) => objectStore));
  const found = new Map<ObjectStoreConfig, string[]>();
  for (const [name, store] of config.objectStores.byName) {
    const isLocal = store.kind === "filesystem" || store.kind === "inmemory";
    if (isLocal && !used.has(name)) continue;
    found.set(store, [...(found.get(store) ?? []), name]);
  }
  return found;
}

/** One that is not there yet was looked at as a folder to be made. */
async function isFolder(folder: string, { io }: DoctorParts): Promise<boolean> {
  try {
    return (await io.files.stat(folder)).isFolder;
  } catch (error) {
    if (isStoreError(error)) return false;
    throw error;
  }
}

interface Trial {
  readonly check: string;
  readonly store: ObjectStoreConfig;
  readonly objects: ObjectStore;
  readonly signal: AbortSignal;
}

async function roundTrip(trial: Trial, { io }: DoctorParts): Promise<Finding[]> {
  const { check, store, objects, signal } = trial;
  const { clock, random } = io;
  const key = `${trialPrefix}${random.bytes(8).toString("hex")}`;
  const body = random.bytes(trialBytes);
  const fromMs = clock.monotonicMs();
  const putFromMs = clock.nowMs();
  const wrong = (says: string): Finding[] => [
    { check, status: "error", says: `${placeOf(store)}: ${says}`, advice: notAStore },
  ];
  let skewMs = 0;
  try {
    await objects.put(key, body, { signal });
    const putToMs = clock.nowMs();
    if (!(await objects.get(key, { signal })).equals(body)) return wrong("gave back other bytes");
    let info;
    for await (const one of objects.list(trialPrefix, { signal })) {
      if (one.key === key) info = one;
    }
    if (info === undefined) return wrong("does not list what was just put");
    skewMs = skewOf(info.modifiedMs, { fromMs: putFromMs, toMs: putToMs });
  } finally {
    await objects.delete(key, { signal });
  }
  if ((await objects.head(key, { signal })) !== undefined) return wrong("keeps what was deleted");
  const tookMs = clock.monotonicMs() - fromMs;
  return [tripOf(trial, tookMs), clockOf(check, skewMs)];
}

const notAStore =
  "Skald needs a store that shows at once what was put and deleted. Is there a cache in between?";

function tripOf({ check, store }: Trial, tookMs: number): Finding {
  const took = `put, get, list, delete took ${Math.round(tookMs)} ms`;
  const says = `${placeOf(store)}: ${took}`;
  if (tookMs <= slowMs) return { check, status: "ok", says };
  const advice = "Use a store in the same region: queries wait for many such requests.";
  return { check, status: "warning", says, advice };
}

/** Stores say when an object was put in whole seconds: only what lies outside of that is skew. */
function skewOf(
  modifiedMs: number,
  put: { readonly fromMs: number; readonly toMs: number },
): number {
  if (modifiedMs < put.fromMs - 1000) return modifiedMs - (put.fromMs - 1000);
  return modifiedMs > put.toMs + 1000 ? modifiedMs - (put.toMs + 1000) : 0;
}

function clockOf(store: string, skewMs: number): Finding {
  const check = "clock";
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  if (Math.abs(skewMs) < skewMsWarn) {
    return { check, status: "ok", says: `agrees with ${store}` };
  }
  const says = `${seconds} s ${skewMs > 0 ? "behind" : "before"} that of ${store}`;
  const advice = "Start a time service (chrony, systemd-timesyncd) on this machine.";
  return { check, status: Math.abs(skewMs) > skewMsBad ? "error" : "warning", says, advice };
}

function adviceFor(error: unknown, { kind }: ObjectStoreConfig): string {
  if (isStoreError(error, "denied")) {
    return kind === "filesystem"
      ? "Let the user that runs Skald write there."
      : "Check the bucket's name and the credentials; they need to get, put, list and delete.";
  }
  if (isStoreError(error, "full")) return "Make room there.";
  return "Check endpoint, region, DNS, proxy and firewall: this machine does not reach it.";
}
