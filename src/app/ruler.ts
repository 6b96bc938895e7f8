import { join } from "node:path";
import { hostname } from "node:os";
import { MiB } from "#base";
import type { Config, LimitsByTenant } from "#config";
import { type RouteFamily, rulesRoutes } from "#http";
import { type Journal, openLocalJournal } from "#journal";
import { type ObjectStore, openFilesystemObjectStore } from "#objectstore";
import type { QueryEngine } from "#query";
import {
  AlertStateStore,
  CombinedRuleStore,
  engineRuleQueries,
  FileRuleStore,
  Notifier,
  ObjectRuleStore,
  RemoteWriter,
  Ruler,
  type RuleStore,
} from "#ruler";
import type { BackgroundBoard, Logger, Metrics } from "#telemetry";
import type { BackgroundTasks } from "#world";
import { Alertmanagers } from "./alertmanagers.ts";
import { ObjectStores } from "./object-stores.ts";
import { outgoingHttp } from "./outgoing-http.ts";
import { alertRoutes, remoteWriteRoutes, SecretFiles, secretPaths } from "./rule-routing.ts";
import type { StoreHealth } from "./store-health.ts";
import type { World } from "./world.ts";

/** Samples are small; files that are done with are to go soon. */
const journalFileBytes: number = 4 * MiB;
/** The roles of Loki that evaluate rules. */
const rulerRoles: readonly string[] = ["all", "backend", "ruler"];
/** Secrets in files are changed by people, or by what rotates them. */
const secretsIntervalMs = 60_000;

export interface RulerParts {
  readonly config: Config;
  readonly limits: LimitsByTenant;
  readonly engine: QueryEngine;
  readonly health: StoreHealth;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly board: BackgroundBoard;
}

/** Rules, alerts and remote write of this process. */
export interface RulerSide {
  readonly ruler: Ruler;
  /** Empty when the rules API is off. */
  readonly routes: readonly RouteFamily[];
  /** Begins to evaluate; to be called once queries see all that was stored. */
  start(background: BackgroundTasks): void;
  /** After the background tasks have stopped. */
  close(): Promise<void>;
}

export async function openRuler(parts: RulerParts): Promise<RulerSide> {
  const { config, limits, engine, world, log, metrics } = parts;
  const { clock, random, files } = world;
  const { ruler: settings } = config;
  const post = outgoingHttp(files);
  const alertmanagers = new Alertmanagers(settings.alertmanager, log);
  const secrets = new SecretFiles(files, log);
  const paths = secretPaths(config);
  await secrets.load(paths);
  const routing = { config, limits, alertmanagers, secrets, log };
  const common = { post, clock, random, log, metrics };
  const notifier = new Notifier({ ...common, routeOf: alertRoutes(routing) });
  const clientsOf = remoteWriteRoutes(routing);
  const { ageMaxMs } = settings.remoteWrite;
  const journal = settings.remoteWrite.enabled ? await openJournal(parts) : undefined;
  const writer =
    journal === undefined
      ? undefined
      : new RemoteWriter({ ...common, clientsOf, journal, ageMaxMs });
  await writer?.replay();
  const { store, states } = await openRuleStore(parts);
  const ruler = new Ruler({
    store,
    states: new AlertStateStore(states),
    context: {
      ...settings,
      queries: engineRuleQueries(engine, limits),
      externalUrl: settings.externalUrl || ownUrl(config),
    },
    outlets: {
      notify: (tenant, alerts) => notifier.notify(tenant, alerts),
      writesSamples: (tenant) => writer?.writesSamples(tenant) === true,
      write: async (tenant, samples) => writer?.write(tenant, samples),
    },
    limits,
    settings,
    clock,
    log,
    metrics,
  });
  return {
    ruler,
    routes: settings.apiEnabled ? [rulesRoutes(ruler)] : [],
    start(background) {
      if (!config.target.some((role) => rulerRoles.includes(role))) return;
      showOnBoard(parts.board, ruler, writer);
      background.spawn("find Alertmanagers", (signal) => alertmanagers.run(clock, signal));
      background.spawn("evaluate rules", (signal) => ruler.run(signal));
      if (!paths.some((path) => path !== "")) return;
      const often = { clock, intervalMs: secretsIntervalMs };
      background.repeat("read credentials", often, () => secrets.load(paths));
    },
    async close() {
      await notifier.close();
      await writer?.close();
    },
  };
}

function showOnBoard(board: BackgroundBoard, ruler: Ruler, writer?: RemoteWriter): void {
  board.task("rules", "evaluates rule groups; queued: groups whose moment has come", () => {
    const { groups, waiting, startedMs, lastMs, nextMs, missedIterations } = ruler.status();
    return {
      state: startedMs === undefined ? "idle" : "running",
      queued: waiting,
      startedMs,
      lastSuccessMs: lastMs,
      nextRunMs: nextMs,
      detail: { groups, missed: missedIterations },
    };
  });
  if (writer === undefined) return;
  board.task("remote write", "sends recorded samples; queued: samples", () => {
    const queued = writer.samplesWaiting;
    return { state: queued > 0 ? "running" : "idle", queued };
  });
}

function openJournal({ config, world }: RulerParts): Promise<Journal> {
  const { folder } = config.ruler.remoteWrite;
  return openLocalJournal({ ...world, folder, fileBytesMax: journalFileBytes });
}

/** Rules, and where alerts are kept: beside the rules, or in the ruler's own folder. */
async function openRuleStore({
  config,
  world,
  health,
}: RulerParts): Promise<{ store: RuleStore; states: ObjectStore }> {
  const { store: place, rulePath } = config.ruler;
  const { files } = world;
  if (place.kind === "local") {
    const states = await openFilesystemObjectStore({ ...world, folder: join(rulePath, "state") });
    return { store: new FileRuleStore({ files, folder: place.folder }), states };
  }
  const objects = await new ObjectStores(config.objectStores, world, health).open(place);
  const written = new ObjectRuleStore(objects);
  if (place.kind !== "filesystem") return { store: written, states: objects };
  const { folder } = place;
  const people = new FileRuleStore({ files, folder, except: ["rules", "ruler-state"] });
  return { store: new CombinedRuleStore({ written, files: people }), states: objects };
}

/** What links lead to when nobody said how this process is reached. */
function ownUrl({ server, instanceAddress }: Config): string {
  const host = instanceAddress || hostname();
  return `http://${host}:${server.httpListenPort}${server.httpPathPrefix}`;
}
