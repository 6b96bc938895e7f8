import { createSecureContext, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { isStoreError, messageOf, StoreError } from "#base";
import type { Logger } from "#telemetry";
import { type Clock, type Files, sleepUnlessAborted } from "#world";
import { type ClientAuthType, type TlsVersion, tlsVersions } from "./tls-names.ts";

/** server.http_tls_config or grpc_tls_config with what both share. Paths are absolute. */
export interface ServerTlsConfig {
  /** A certificate and those that signed it, PEM. */
  readonly cert: PemSource;
  readonly key: PemSource;
  /** The authorities whose clients are let in. */
  readonly clientCa: PemSource | undefined;
  readonly clientAuth: ClientAuthType;
  readonly minVersion: TlsVersion;
  /** OpenSSL's list; undefined: Node's default. */
  readonly ciphers: string | undefined;
}

/** A file, or the text itself. */
export type PemSource = { readonly file: string } | { readonly text: string };

export interface ServerTlsOptions {
  /** `HTTP` or `gRPC`, for the log. */
  readonly name: string;
  readonly config: ServerTlsConfig;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "error">;
  /** How often the files are looked at. */
  readonly periodMs: number;
}

/** A client that has not finished its handshake by then is let go. */
const handshakeTimeoutMs = 10_000;

interface Material {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
}

/** Certificates of one listener, following their files: new connections get the new ones. */
export class ServerTls {
  readonly #options: ServerTlsOptions;
  #material: Material;
  #seen: Material;
  #server: Server | undefined;

  private constructor(options: ServerTlsOptions, material: Material) {
    this.#options = options;
    this.#material = material;
    this.#seen = material;
  }

  /** Throws StoreError when a file is missing or holds no certificate. */
  static async open(options: ServerTlsOptions): Promise<ServerTls> {
    const material = await readMaterial(options);
    const problem = problemOf(options, material);
    if (problem !== undefined) throw new StoreError("corrupt", `${options.name} TLS: ${problem}`);
    return new ServerTls(options, material);
  }

  /** For node:https and node:http2. */
  options(): TlsOptions {
    const { clientAuth } = this.#options.config;
    return {
      ...contextOptions(this.#options.config, this.#material),
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: clientAuth !== "NoClientCert",
      rejectUnauthorized: clientAuth === "RequireAndVerifyClientCert",
    };
  }

  /** Must be called once, with the server that was made with `options()`, before it listens. */
  attach(server: Server): void {
    this.#server = server;
    const { clientAuth } = this.#options.config;
    server.prependListener("secureConnection", (socket: TLSSocket) => {
      const isShown = socket.getPeerX509Certificate() !== undefined;
      const isRefused =
        (clientAuth === "RequireAnyClientCert" && !isShown) ||
        (clientAuth === "VerifyClientCertIfGiven" && isShown && !socket.authorized);
      if (isRefused) socket.destroy();
    });
  }

  /** Looks at the files until the signal. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, periodMs } = this.#options;
    while (await sleepUnlessAborted(clock, periodMs, signal)) await this.reload();
  }

  /** Looks now. Never rejects: while the files are wrong the certificates of before stay. */
  async reload(): Promise<void> {
    const { name, log, config } = this.#options;
    let material: Material;
    try {
      material = await readMaterial(this.#options);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      log.error("certificates cannot be read, those of before stay", {
        listener: name,
        reason: messageOf(error),
      });
      return;
    }
    if (isSame(material, this.#seen)) return;
    this.#seen = material;
    const reason = problemOf(this.#options, material);
    if (reason !== undefined) {
      log.error("certificates are wrong, those of before stay", { listener: name, reason });
      return;
    }
    this.#material = material;
    this.#server?.setSecureContext(contextOptions(config, material));
    log.info("certificates read", { listener: name });
  }
}

function contextOptions({ minVersion, ciphers }: ServerTlsConfig, { cert, key, ca }: Material) {
  const version = tlsVersions[minVersion];
  const isOld = minVersion === "VersionTLS10" || minVersion === "VersionTLS11";
  // OpenSSL 3 refuses the signatures of these versions at its default level of security.
  const list = isOld ? `${ciphers ?? "DEFAULT"}@SECLEVEL=0` : ciphers;
  return {
    cert,
    key,
    minVersion: version,
    // Without a list OpenSSL would trust every public authority with the names of our clients.
    ca: ca ?? [],
    ...(list === undefined ? {} : { ciphers: list }),
  };
}

async function readMaterial({ config, files }: ServerTlsOptions): Promise<Material> {
  const read = async (source: PemSource): Promise<Buffer> =>
    "file" in source ? files.read(source.file) : Buffer.from(source.text);
  const { clientCa } = config;
  const [cert, key, ca] = await Promise.all([
    read(config.cert),
    read(config.key),
    clientCa === undefined ? undefined : read(clientCa),
  ]);
  return { cert, key, ca };
}

/** OpenSSL's own words name no content of the files. */
function problemOf({ config }: ServerTlsOptions, material: Material): string | undefined {
  try {
    createSecureContext(contextOptions(config, material));
    return undefined;
  } catch (error) {
    const place = "file" in config.cert ? `${config.cert.file}: ` : "";
    return `${place}no usable certificate and key: ${messageOf(error)}`;
  }
}

function isSame(left: Material, right: Material): boolean {
  const noCa = Buffer.alloc(0);
  return (
    left.cert.equals(right.cert) &&
    left.key.equals(right.key) &&
    (left.ca ?? noCa).equals(right.ca ?? noCa)
  );
}
