import {
  AttemptLimiter,
  Audit,
  Authenticator,
  ServerTls,
  type ServerTlsConfig,
  Sessions,
  TokenBook,
} from "#access";
import type { Config } from "#config";
import type { AccessPort, ServerOptions } from "#http";
import { createLogger, type Logger, type Metrics } from "#telemetry";
import type { BackgroundTasks } from "#world";
import type { World } from "./world.ts";

export interface AccessParts {
  readonly config: Config;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Who may come in, and by which certificates. */
export interface AccessSide {
  /** Undefined: no token file. */
  readonly port: AccessPort | undefined;
  readonly audit: Audit;
  readonly httpTls: ServerTls | undefined;
  readonly grpcTls: ServerTls | undefined;
  /** What the HTTP server is told besides. */
  readonly http: Pick<
    ServerOptions,
    "tls" | "allowedOrigins" | "connectionsMax" | "headersTimeoutMs"
  >;
  /** Follows the files until the tasks are stopped. */
  start(background: BackgroundTasks): void;
}

/** Throws StoreError when the token file or a certificate is missing or wrong. */
export async function openAccess(parts: AccessParts): Promise<AccessSide> {
  const { config, log } = parts;
  const { access, server } = config;
  const audit = openAudit(parts);
  const book = await openBook(parts);
  const port = book === undefined ? undefined : portOf(book, audit, parts);
  const httpTls = await openTls("HTTP", access.httpTls, parts);
  const grpcTls = await openTls("gRPC", access.grpcTls, parts);
  if (book !== undefined && httpTls === undefined && isPublic(server.httpListenAddress)) {
    log.warn("tokens cross the network unencrypted: set server.http_tls_config or use a proxy");
  }
  return {
    port,
    audit,
    httpTls,
    grpcTls,
    http: {
      allowedOrigins: access.corsOrigins,
      ...(httpTls === undefined ? {} : { tls: httpTls }),
      ...(access.httpConnectionsMax > 0 ? { connectionsMax: access.httpConnectionsMax } : {}),
      ...(access.httpHeadersTimeoutMs > 0 ? { headersTimeoutMs: access.httpHeadersTimeoutMs } : {}),
    },
    start: (background) => {
      if (book !== undefined) {
        background.spawn("follow token file", (signal) => book.watch(signal));
      }
      for (const tls of [httpTls, grpcTls]) {
        if (tls === undefined) continue;
        background.spawn("follow certificates", (signal) => tls.watch(signal));
      }
    },
  };
}

function isPublic(address: string): boolean {
  return !/^(?:127\.|localhost$|::1$|\[::1\]$)/.test(address);
}

async function openBook(parts: AccessParts): Promise<TokenBook | undefined> {
  const { config, world, log, metrics } = parts;
  const { tokenFile, reloadPeriodMs } = config.access;
  if (tokenFile === undefined) return undefined;
  return TokenBook.open({ path: tokenFile, periodMs: reloadPeriodMs, ...world, log, metrics });
}

function portOf(
  book: TokenBook,
  audit: Audit,
  { config, world, metrics }: AccessParts,
): AccessPort {
  const { clock } = world;
  const sessions = new Sessions({ book, ...world, lifetimeMs: config.access.sessionLifetimeMs });
  const attempts = new AttemptLimiter(clock);
  const observer = {
    loginFailed: ({ name, address, reason }: { name: string; address: string; reason: string }) =>
      audit.record({ event: "login", outcome: "failed", actor: name, address, reason }),
    loggedIn: ({ name, address }: { name: string; address: string }) =>
      audit.record({ event: "login", outcome: "ok", actor: name, address }),
  };
  return {
    authenticator: new Authenticator({ book, sessions, attempts, ...world, metrics, observer }),
    sessions,
    openPaths: config.access.openPaths,
    cookiePath: `${config.server.httpPathPrefix.replace(/\/$/, "")}/`,
  };
}

/** A log of its own, which `/log_level` and log.level do not silence. */
function openAudit({ config, world, metrics }: AccessParts): Audit {
  const { clock, files } = world;
  const log = createLogger({
    level: "info",
    format: config.server.logFormat,
    write: (line) => process.stderr.write(line),
  });
  const path = config.access.auditFile;
  return new Audit({
    log,
    clock,
    metrics,
    ...(path === undefined ? {} : { file: { path, files } }),
  });
}

async function openTls(
  name: string,
  tls: ServerTlsConfig | undefined,
  { config, world, log }: AccessParts,
): Promise<ServerTls | undefined> {
  if (tls === undefined) return undefined;
  const { clock, files } = world;
  const periodMs = config.access.reloadPeriodMs;
  return ServerTls.open({ name, config: tls, files, clock, log, periodMs });
}
