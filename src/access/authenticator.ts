import { createHmac } from "node:crypto";
import { countRefused, Limiter, LruMap, minute, RequestError } from "#base";
import type { Metrics } from "#telemetry";
import type { Clock, Random } from "#world";
import type { AttemptLimiter } from "./attempt-limiter.ts";
import { isPassword, isPasswordOfNobody, isSameSecret, sha256 } from "./secret-hash.ts";
import { fitsCertificate, type PeerCertificateText } from "./peer-certificate.ts";
import type { Sessions } from "./sessions.ts";
import type { TokenBook } from "./token-book.ts";
import type { Credential } from "./token-file.ts";

/** What a request says about who asks. */
export interface Claim {
  /** The header Authorization. */
  readonly authorization: string | undefined;
  /** Of the cookie of the page. */
  readonly session?: string | undefined;
  /** Shown in the TLS handshake and signed by an authority we trust. */
  readonly certificate?: PeerCertificateText | undefined;
  /** On the page: told by whoever begins the session. */
  readonly isLogin?: boolean;
  /** The network address of the client: who guesses is slowed down by it. */
  readonly address: string;
}

export type ClaimKind = "token" | "password" | "session" | "certificate";

export interface Identity {
  readonly credential: Credential;
  readonly by: ClaimKind;
  /**
   * The credential as it is now, for what lasts: undefined once what was shown lets nobody in any
   * more, since the file changed, the time is over or the session was ended.
   */
  readonly current: () => Credential | undefined;
}

export interface AuthenticatorOptions {
  readonly book: TokenBook;
  readonly sessions: Sessions;
  readonly attempts: AttemptLimiter;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  /** Told of failures that count and of passwords that were right for the first time. */
  readonly observer: LoginObserver;
}

export interface LoginObserver {
  loginFailed(claim: { readonly name: string; readonly address: string; reason: string }): void;
  loggedIn(claim: { readonly name: string; readonly address: string; by: ClaimKind }): void;
}

interface Failure {
  readonly claim: Claim;
  readonly name: string;
  readonly reason: string;
}

/** Right passwords remembered, so that a client that sends one with each request costs one scrypt. */
const verifiedMax = 4096;
/** A password that was changed elsewhere is the file's affair; this only bounds what is held. */
const verifiedForMs: number = 10 * minute;
/** Passwords tried at once: each takes 32 MiB and a thread. */
const triesAtOnceMax = 2;
/** Waiting for these; more are refused at once. */
const triesWaitingMax = 64;
/** Longer headers are no credentials of ours. */
const credentialLengthMax = 4096;

/** Finds out who asks. Costs some microseconds for tokens; passwords are checked in bounded number. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #key: Buffer;
  readonly #verified = new LruMap<string, { readonly untilMs: number }>({
    name: "verified_credentials",
    weightMax: verifiedMax,
  });
  readonly #tries = new Limiter(triesAtOnceMax, "password_checks");
  readonly #underWay = new Map<string, Promise<boolean>>();
  #trying = 0;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#key = options.random.bytes(32);
  }

  /**
   * Undefined when the claim says nothing. Throws RequestError 401 when what it says is wrong, 429
   * when the address has been wrong too often. Credentials of a header go before a session, a
   * session before a certificate.
   */
  async identify(claim: Claim): Promise<Identity | undefined> {
    const { authorization, session, certificate } = claim;
    if (authorization !== undefined && authorization !== "") {
      return this.#ofHeader(authorization, claim);
    }
    if (session !== undefined) {
      const current = (): Credential | undefined => this.#options.sessions.credentialOf(session);
      const credential = current();
      if (credential !== undefined) return { credential, by: "session", current };
    }
    return certificate === undefined ? undefined : this.#ofCertificate(certificate);
  }

  #ofCertificate(certificate: PeerCertificateText): Identity | undefined {
    const { book } = this.#options;
    const fits = (one: Credential): boolean =>
      one.certificate !== undefined && fitsCertificate(certificate, one.certificate);
    const credential = book.ofCertificate(fits);
    if (credential === undefined) return undefined;
    const current = (): Credential | undefined => {
      const now = book.named(credential.name);
      return now !== undefined && fits(now) ? now : undefined;
    };
    return { credential, by: "certificate", current };
  }

  /** Of a secret that was right: it is as long as the file has the same one under the same name. */
  #ofSecret(credential: Credential, by: "token" | "password"): Identity {
    const { name, secret } = credential;
    const current = (): Credential | undefined => {
      const now = this.#options.book.named(name);
      return now !== undefined && isSameSecret(now.secret, secret) ? now : undefined;
    };
    return { credential, by, current };
  }

  async #ofHeader(header: string, claim: Claim): Promise<Identity> {
    const isShort = header.length <= credentialLengthMax;
    const [scheme = "", text = "", rest] = isShort ? header.trim().split(/ +/) : [];
    const isBearer = scheme.toLowerCase() === "bearer";
    const isBasic = scheme.toLowerCase() === "basic";
    if (text === "" || rest !== undefined || (!isBearer && !isBasic)) {
      throw this.#refusal({ claim, name: "", reason: "neither a bearer token nor basic" });
    }
    if (isBearer) return this.#ofToken(text, "", claim);
    const pair = Buffer.from(text, "base64").toString("utf8");
    const at = pair.indexOf(":");
    const [name, secret] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    return this.#ofPassword({ name, secret }, claim);
  }

  /** A bearer token, or one that came as a password, when `name` must be the credential's. */
  #ofToken(token: string, name: string, claim: Claim): Identity {
    const credential = this.#options.book.ofToken(sha256(token));
    if (credential !== undefined && (name === "" || credential.name === name)) {
      return this.#ofSecret(credential, "token");
    }
    throw this.#refusal({ claim, name, reason: "unknown token" });
  }

  /** Clients that know basic authentication only may send a token as the password of its name. */
  async #ofPassword(
    { name, secret }: { readonly name: string; readonly secret: string },
    claim: Claim,
  ): Promise<Identity> {
    const { book, observer } = this.#options;
    const credential = book.named(name);
    if (credential?.secret?.kind === "sha256") return this.#ofToken(secret, name, claim);
    const stored = credential?.secret;
    const place = this.#placeOf(credential, secret);
    if (credential !== undefined && this.#isVerified(place)) {
      return this.#ofSecret(credential, "password");
    }
    const check = (): Promise<boolean> =>
      stored === undefined ? isPasswordOfNobody(secret) : isPassword(secret, stored);
    const isRight = await this.#tryOnce(place, claim.address, check);
    if (!isRight || credential === undefined) {
      throw this.#wrong({ claim, name, reason: "wrong name or password" });
    }
    if (!this.#isVerified(place) && claim.isLogin !== true) {
      observer.loggedIn({ name, address: claim.address, by: "password" });
    }
    this.#verified.set(place, { untilMs: this.#options.clock.monotonicMs() + verifiedForMs });
    return this.#ofSecret(credential, "password");
  }

  /**
   * A try counts as a failure until it is known to be none, so that many at once are not more than
   * as many one after another. Requests with the same password share one try.
   */
  #tryOnce(place: string, address: string, check: () => Promise<boolean>): Promise<boolean> {
    const underWay = this.#underWay.get(place);
    if (underWay !== undefined) return underWay;
    this.#checkAttempts(address);
    const { attempts } = this.#options;
    attempts.failed(address);
    const trying = this.#try(check)
      .then((isRight) => {
        if (isRight) attempts.forgive(address);
        return isRight;
      })
      .finally(() => this.#underWay.delete(place));
    this.#underWay.set(place, trying);
    return trying;
  }

  /** Of the stored hash, too: a password that was changed in the file is not verified any more. */
  #placeOf(credential: Credential | undefined, secret: string): string {
    const stored = credential?.secret?.hash ?? Buffer.alloc(0);
    const mac = createHmac("sha256", this.#key).update(stored).update("\0").update(secret);
    return `${credential?.name ?? ""} ${mac.digest("base64")}`;
  }

  #isVerified(place: string): boolean {
    const found = this.#verified.get(place);
    return found !== undefined && found.untilMs > this.#options.clock.monotonicMs();
  }

  async #try(check: () => Promise<boolean>): Promise<boolean> {
    if (this.#trying >= triesWaitingMax) {
      countRefused("password_checks");
      throw new RequestError(429, "too many logins at once", { retryAfterSeconds: 5 });
    }
    this.#trying++;
    try {
      return await this.#tries.run(check);
    } finally {
      this.#trying--;
    }
  }

  #checkAttempts(address: string): void {
    const waitSeconds = this.#options.attempts.waitSeconds(address);
    if (waitSeconds === 0) return;
    this.#count("blocked");
    throw new RequestError(429, "too many failed logins from this address", {
      retryAfterSeconds: waitSeconds,
    });
  }

  /** Counts the failure; an address that had its share is told to wait instead. */
  #refusal(failure: Failure): RequestError {
    this.#checkAttempts(failure.claim.address);
    this.#options.attempts.failed(failure.claim.address);
    return this.#wrong(failure);
  }

  #wrong({ claim, name, reason }: Failure): RequestError {
    this.#count("wrong");
    this.#options.observer.loginFailed({ name, address: claim.address, reason });
    return new RequestError(401, `unauthorized: ${reason}`);
  }

  #count(reason: "wrong" | "blocked"): void {
    this.#options.metrics
      .counter("skald_login_failures_total", "Credentials that were refused.", ["reason"])
      .inc({ reason });
  }
}
