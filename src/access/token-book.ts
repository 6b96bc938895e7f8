import { createHmac } from "node:crypto";
import { isStoreError, messageOf, StoreError } from "#base";
import type { Logger, Metrics } from "#telemetry";
import { type Clock, type Files, type Random, sleepUnlessAborted } from "#world";
import { type Credential, parseTokenFile, tokenFileLengthMax } from "./token-file.ts";

export interface TokenBookOptions {
  /** Absolute. */
  readonly path: string;
  /** How often the file is looked at. */
  readonly periodMs: number;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<Logger, "info" | "error">;
  readonly metrics: Metrics;
}

/** The credentials in force, following their file. A file that became wrong changes nothing. */
export class TokenBook {
  readonly #options: TokenBookOptions;
  /**
   * Tokens are found by a keyed hash of their hash: how long a search takes tells nothing about
   * any token, since nobody outside can choose or know the key.
   */
  readonly #key: Buffer;
  #byName: ReadonlyMap<string, Credential> = new Map();
  #byToken: ReadonlyMap<string, Credential> = new Map();
  #byCertificate: readonly Credential[] = [];
  #text: string | undefined;
  #isWrong = false;

  private constructor(options: TokenBookOptions) {
    this.#options = options;
    this.#key = options.random.bytes(32);
    const { metrics } = options;
    metrics.observe(
      "skald_token_file_ok",
      "0 while the token file cannot be read or is wrong; what was read before holds.",
      () => (this.#isWrong ? 0 : 1),
    );
    metrics.observe("skald_credentials", "Credentials in force.", () => this.#byName.size);
  }

  /** Throws StoreError when the file is not there or wrong. */
  static async open(options: TokenBookOptions): Promise<TokenBook> {
    const book = new TokenBook(options);
    const text = await book.#read();
    const problems = book.#take(text);
    if (problems.length > 0) {
      throw new StoreError("corrupt", `token file ${options.path}: ${problems.join("; ")}`);
    }
    return book;
  }

  get all(): Iterable<Credential> {
    return this.#byName.values();
  }

  /** One that is not over yet. */
  named(name: string): Credential | undefined {
    return this.#current(this.#byName.get(name));
  }

  /** By the SHA-256 of a token. */
  ofToken(hash: Buffer): Credential | undefined {
    return this.#current(this.#byToken.get(this.#place(hash)));
  }

  /** The first whose certificate this is. */
  ofCertificate(fits: (credential: Credential) => boolean): Credential | undefined {
    return this.#byCertificate.find((one) => this.#current(one) !== undefined && fits(one));
  }

  /** Looks at the file until the signal. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, periodMs } = this.#options;
    while (await sleepUnlessAborted(clock, periodMs, signal)) await this.reload();
  }

  /** Looks now. Never rejects: what is wrong goes to the log, once for each change of the file. */
  async reload(): Promise<void> {
    const { log, metrics, path } = this.#options;
    const loads = metrics.counter(
      "skald_token_file_loads_total",
      "Changed token files, by whether they were taken.",
      ["result"],
    );
    try {
      const text = await this.#read();
      if (text === this.#text) return;
      const problems = this.#take(text);
      this.#isWrong = problems.length > 0;
      loads.inc({ result: this.#isWrong ? "failed" : "taken" });
      for (const reason of problems) {
        log.error("token file is wrong, the credentials of before hold", { path, reason });
      }
      if (!this.#isWrong) log.info("token file read", { path, credentials: this.#byName.size });
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (!this.#isWrong) {
        const reason = messageOf(error);
        log.error("token file cannot be read, the credentials of before hold", { path, reason });
      }
      this.#isWrong = true;
      this.#text = undefined;
    }
  }

  async #read(): Promise<string> {
    const { files, path } = this.#options;
    const { sizeBytes } = await files.stat(path);
    if (sizeBytes > tokenFileLengthMax) {
      throw new StoreError("corrupt", `${path}: ${sizeBytes} bytes, at most ${tokenFileLengthMax}`);
    }
    return (await files.read(path)).toString("utf8");
  }

  /** The problems; with none, what the text says holds from now on. */
  #take(text: string): readonly string[] {
    this.#text = text;
    const { credentials, problems } = parseTokenFile(text);
    if (problems.length > 0) return problems;
    this.#byName = new Map(credentials.map((one) => [one.name, one]));
    this.#byToken = new Map(
      credentials.flatMap((one) =>
        one.secret?.kind === "sha256" ? [[this.#place(one.secret.hash), one] as const] : [],
      ),
    );
    this.#byCertificate = credentials.filter((one) => one.certificate !== undefined);
    return [];
  }

  #place(hash: Buffer): string {
    return createHmac("sha256", this.#key).update(hash).digest("base64");
  }

  #current(credential: Credential | undefined): Credential | undefined {
    const { expiresMs } = credential ?? {};
    return expiresMs === undefined || this.#options.clock.nowMs() < expiresMs
      ? credential
      : undefined;
  }
}
