import { giveBack, messageOf } from "#base";
import { createLimits, type LoadedConfig, type RuntimeLimits } from "#config";
import { type GrpcServer, startGrpcServer } from "#grpc";
import {
  type AdminPort,
  allRoutes,
  type BuildInfo,
  type HttpPorts,
  type HttpServer,
  pageRoutes,
  patternsRoutes,
  profileRoutes,
  slowQueriesRoutes,
  PushAdmission,
  type PushPort,
  type RouteFamily,
  startHttpServer,
} from "#http";
import type { IngestExamples, PushInput, PushReply } from "#ingest";
import { createPatternQueries, type PatternSources, patternSectionKind } from "#patterns";
import { newReadCounters, type ReadOptions } from "#storage";
import { BackgroundBoard, type Logger, type Metrics } from "#telemetry";
import { BackgroundTasks, Newcomers, systemProcessMemory } from "#world";
import { headBytesMax, type IngestSide, makeReady, openIngest, warmUp } from "./ingest.ts";
import { type AccessSide, openAccess } from "./access.ts";
import { observeBounds } from "./bound-metrics.ts";
import { observeDiskSpace } from "./disk-space.ts";
import { returnMemory } from "./memory-return.ts";
import { warmUpQueries } from "./query-warm-up.ts";
import { openPage } from "./page.ts";
import { type LifecycleSide, openLifecycle } from "./lifecycle.ts";
import { openProfiles, type Profiles } from "./profiles.ts";
import { openQueries, type QuerySide } from "./queries.ts";
import { headTrouble, notReadyReason, type ProcessState, serviceState } from "./readiness.ts";
import { openRuler, type RulerSide } from "./ruler.ts";
import { openStores } from "./stores.ts";
import type { World } from "./world.ts";

export interface SkaldOptions {
  readonly loaded: LoadedConfig;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly build: BuildInfo;
  readonly readFile: (path: string) => Promise<string>;
}

/** One whole Skald in one process: config → build → start → stop. */
export class Skald {
  readonly #options: SkaldOptions;
  readonly #background: BackgroundTasks;
  readonly #board: BackgroundBoard;
  readonly #limits: RuntimeLimits;
  readonly #newcomers: Newcomers;
  readonly #admission: PushAdmission;
  readonly #profiles: Profiles;
  readonly #stopAsked = new AbortController();
  #state: ProcessState = "starting";
  #ingest: IngestSide | undefined;
  #queries: QuerySide | undefined;
  #rules: RulerSide | undefined;
  #http: HttpServer | undefined;
  #grpc: GrpcServer | undefined;
  #access: AccessSide | undefined;

  constructor(options: SkaldOptions) {
    this.#options = options;
    const { clock } = options.world;
    const newcomers = new Newcomers(clock);
    this.#newcomers = newcomers;
    this.#admission = new PushAdmission({ clock, newcomers, metrics: options.metrics });
    this.#limits = createLimits({ ...options, clock });
    this.#board = new BackgroundBoard({ clock, metrics: options.metrics });
    const buffers = () => [{ name: "head", bytes: this.#ingest?.head.heapBytes ?? 0 }];
    this.#profiles = openProfiles({ clock, log: options.log, buffers });
    this.#background = new BackgroundTasks({
      onFailure: ({ task, error }) =>
        options.log.error("background task failed", { task, reason: messageOf(error) }),
    });
  }

  /** Aborted when an operator asks for the end over HTTP. */
  get stopAsked(): AbortSignal {
    return this.#stopAsked.signal;
  }

  get url(): string {
    return this.#http?.url ?? "";
  }

  /** Listens first, answering 503, then replays the journal, then is ready. */
  async start(): Promise<void> {
    const { loaded, world, log, metrics, build } = this.#options;
    const { config } = loaded;
    const limits = this.#limits;
    await this.#profiles.start();
    const access = await openAccess({ config, world, log, metrics });
    this.#access = access;
    const stores = await openStores({ config, limits, world, log, metrics });
    const ingest = await openIngest({ config, limits, stores, world, log, metrics });
    this.#ingest = ingest;
    const { version } = build;
    const isPressed = (): boolean => this.#admission.turns.isPressed;
    const life = openLifecycle({
      config,
      limits,
      stores,
      ingest,
      world,
      log,
      metrics,
      board: this.#board,
      isPressed,
    });
    const visible = life;
    const newcomers = this.#newcomers;
    const queries = await openQueries({
      config,
      visible,
      world,
      newcomers,
      isPressed,
      log,
      metrics,
      version,
    });
    this.#queries = queries;
    const { engine } = queries;
    const { health } = stores;
    const board = this.#board;
    const rules = await openRuler({ config, limits, engine, health, world, log, metrics, board });
    this.#rules = rules;
    const ports = this.#ports(ingest, queries, life);
    observeReadiness(metrics, ports.admin);
    observeBounds(metrics);
    observeDiskSpace(config, world.files, metrics);
    // Last, but before it listens: who comes back after a restart is not told to wait for it.
    const examples = await warmUp(world);
    this.#http = await this.#listen(ports, [
      this.#patternsFamily(ingest, life),
      ...life.routes,
      ...rules.routes,
      slowQueriesRoutes(() => engine.slowest()),
      profileRoutes(this.#profiles),
    ]);
    this.#grpc = await this.#listenGrpc(ports, ingest);
    await makeReady(ingest, log);
    this.#work(ingest, examples);
    access.start(this.#background);
    life.start(this.#background);
    rules.start(this.#background);
    this.#background.spawn("compare periods", (signal) => stores.guard.run(signal));
    this.#state = "running";
    log.info("Skald is ready", { url: this.#http.url, target: config.target.join(",") });
  }

  /** What the process does beside requests, whatever it is set to do. */
  #work({ ingester, patterns }: IngestSide, examples: IngestExamples): void {
    const { world, log, metrics } = this.#options;
    const { clock } = world;
    const parts = { clock, memory: systemProcessMemory, log, metrics };
    this.#background.spawn("runtime configuration", (signal) => this.#limits.watch(signal));
    this.#background.spawn("learn patterns", (signal) => patterns.run(clock, signal));
    this.#background.spawn("cut segments", (signal) => ingester.run(signal));
    this.#background.spawn("warm up queries", async (signal) => {
      await warmUpQueries({ ...parts, examples }, signal);
    });
    this.#background.spawn("give memory back", (signal) => returnMemory(parts, signal));
  }

  #patternsFamily({ patterns, stores }: IngestSide, life: LifecycleSide): RouteFamily {
    const { log } = this.#options;
    const sections: PatternSources["sections"] = async (tenant, range, signal) => {
      const options: ReadOptions = {
        signal,
        counters: newReadCounters(),
        warn: (reason) => log.warn("patterns of a segment left out", { tenant, reason }),
      };
      const found = stores.native.map(({ segments }) =>
        segments.sections({ tenant, range }, patternSectionKind, options),
      );
      return (await Promise.all(found)).flat();
    };
    const hidden: PatternSources["hidden"] = (tenant, range) =>
      life.visibility.masks(tenant, range);
    return patternsRoutes(createPatternQueries({ live: patterns, sections, hidden }));
  }

  #listen(ports: HttpPorts, more: readonly RouteFamily[]): Promise<HttpServer> {
    const { loaded } = this.#options;
    const { server } = loaded.config;
    return startHttpServer({
      address: server.httpListenAddress,
      port: server.httpListenPort,
      bodyBytesMax: server.pushCompressedBytesMax,
      readTimeoutMs: server.httpReadTimeoutMs,
      idleTimeoutMs: server.httpIdleTimeoutMs,
      writeTimeoutMs: server.httpWriteTimeoutMs,
      // The rest of the grace is for what has to be written after the last request.
      gracefulShutdownTimeoutMs: server.gracefulShutdownTimeoutMs / 2,
      pathPrefix: server.httpPathPrefix,
      ...this.#access?.http,
      ports,
      routes: [...allRoutes, ...more, pageRoutes(openPage(this.#options.world))],
    });
  }

  #listenGrpc(ports: HttpPorts, ingest: IngestSide): Promise<GrpcServer> {
    const { server, access } = this.#options.loaded.config;
    const tls = this.#access?.grpcTls;
    return startGrpcServer(
      {
        address: server.grpcListenAddress,
        port: server.grpcListenPort,
        receiveBytesMax: server.grpcMaxReceiveBytes,
        readTimeoutMs: server.httpReadTimeoutMs,
        idleTimeoutMs: server.httpIdleTimeoutMs,
        // The rest of the grace is for what has to be written after the last push.
        closeTimeoutMs: server.gracefulShutdownTimeoutMs / 2,
        ...(tls === undefined ? {} : { tls }),
        ...(access.grpcConnectionsMax > 0 ? { connectionsMax: access.grpcConnectionsMax } : {}),
      },
      {
        ...ports,
        push: {
          push: (request) => accept(ingest, request),
        },
      },
    );
  }

  #ports(ingest: IngestSide, queries: QuerySide, life: LifecycleSide): HttpPorts {
    const { loaded, world, log, metrics, build } = this.#options;
    const { config } = loaded;
    const { head } = ingest;
    return {
      clock: world.clock,
      log,
      metrics,
      limits: this.#limits,
      authEnabled: config.authEnabled,
      multiTenantQueriesEnabled: config.querier.multiTenantQueriesEnabled,
      tailMaxDurationMs: config.querier.tailMaxDurationMs,
      build,
      ...queries,
      push: pushPort(ingest),
      newcomers: this.#newcomers,
      admission: this.#admission,
      tails: {
        subscribe: (tenant, listener) => head.subscribe(tenant, listener),
        hiddenRows: (tenant, block) => life.visibility.hiddenNow(tenant, block),
      },
      admin: this.#admin(ingest),
      tailsPerAddressMax: config.access.tailsPerAddressMax,
      ...(this.#access?.port === undefined ? {} : { access: this.#access.port }),
      ...(this.#access === undefined ? {} : { audit: this.#access.audit }),
    };
  }

  #admin({ head, ingester, stores }: IngestSide): AdminPort {
    const { loaded } = this.#options;
    return {
      notReady: () => notReadyReason(this.#state),
      isDraining: () => this.#state === "draining",
      troubles: () => {
        const refusal = stores.guard.refusal();
        const full = headTrouble(head.heapBytes, headBytesMax);
        const journal = ingester.journalTrouble;
        const others = [journal, refusal].filter((one) => one !== undefined);
        return [...stores.health.down(), ...full, ...others];
      },
      isStopping: () => this.#state === "stopping" || this.#state === "stopped",
      flush: (tenant) => ingester.flush(new AbortController().signal, tenant),
      terminate: () => this.#stopAsked.abort(),
      services: () => this.#services(),
      configYaml: (mode) =>
        ({ full: loaded.yaml, diff: loaded.yamlDiff, defaults: loaded.yamlDefaults })[mode],
      runtimeConfigYaml: () => this.#limits.yaml(),
    };
  }

  #services(): { name: string; state: string }[] {
    const state = serviceState(this.#state);
    const names = ["server", "distributor", "ingester", "querier", "store", "runtime-config"];
    return names.map((name) => ({ name, state }));
  }

  /** shutdown_delay: serves on, but is not ready any more, so that load balancers turn away first. */
  async drain(): Promise<void> {
    const { shutdownDelayMs } = this.#options.loaded.config;
    if (this.#state !== "running" || shutdownDelayMs <= 0) return;
    this.#state = "draining";
    await this.#options.world.clock.sleep(shutdownDelayMs);
  }

  /** Takes no more pushes, lets requests finish, then closes the journal; what is in it is replayed at the next start. */
  async stop(): Promise<void> {
    if (this.#state === "stopping" || this.#state === "stopped") return;
    this.#state = "stopping";
    const { config } = this.#options.loaded;
    await Promise.all([this.#http?.close(), this.#grpc?.close()]);
    await this.#queries?.engine.close();
    await this.#background.stop();
    await this.#rules?.close();
    await this.#access?.audit.close();
    const ingest = this.#ingest;
    if (ingest !== undefined) {
      if (config.ingester.flushOnShutdown) {
        await ingest.ingester.flush(new AbortController().signal, undefined, "shutdown");
      }
      await ingest.journal.close();
      await ingest.stores.close();
    }
    this.#state = "stopped";
  }
}

/** What `/ready` says, for those who watch many processes. */
function observeReadiness(metrics: Metrics, admin: AdminPort): void {
  metrics.observe("skald_ready", "Whether /ready answers 200: 1 or 0.", () =>
    Number(admin.notReady() === undefined),
  );
  metrics.observe("skald_troubles", "Troubles that /ready names beside being ready.", () => {
    return admin.troubles?.().length ?? 0;
  });
}

/** Checks a push and makes what was accepted durable; resolves with what to answer. */
async function accept({ distributor, ingester }: IngestSide, push: PushInput): Promise<PushReply> {
  const { accepted, reply } = distributor.push(push);
  if (accepted !== undefined) {
    try {
      await ingester.push(push.tenant, accepted.batch, accepted.record);
    } finally {
      if (accepted.isBodySpent) giveBack(push.body);
    }
  }
  return reply;
}

function pushPort(ingest: IngestSide): PushPort {
  return {
    push: async (request) => {
      const { status, body, contentType } = await accept(ingest, request);
      return { status, body, ...(contentType === undefined ? {} : { contentType }) };
    },
  };
}
