import { LruMap } from "#base";
import type { Clock, Random } from "#world";
import { printSecretHash, sha256 } from "./secret-hash.ts";
import type { TokenBook } from "./token-book.ts";
import type { Credential } from "./token-file.ts";

/** People who are logged in on the page at once; who has not asked for longest is logged out. */
const sessionsMax = 10_000;
/** Of one credential, so that one person cannot log out all others. */
const sessionsPerCredentialMax = 100;
const idBytes = 32;
const idPattern = /^[\w-]{43}$/;

interface Session {
  readonly name: string;
  /** Of the credential then: a changed secret ends its sessions. */
  readonly secret: string;
  readonly endsMs: number;
}

/**
 * Who is logged in on the page. Lives in memory: a restart logs everybody out. Only hashes of ids
 * are held, so that a dump of memory lets nobody in.
 */
export class Sessions {
  readonly #book: TokenBook;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lifetimeMs: number;
  readonly #sessions = new LruMap<string, Session>({ name: "sessions", weightMax: sessionsMax });
  readonly #idsOf = new Map<string, string[]>();

  constructor(options: {
    readonly book: TokenBook;
    readonly clock: Clock;
    readonly random: Random;
    readonly lifetimeMs: number;
  }) {
    this.#book = options.book;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#lifetimeMs = options.lifetimeMs;
  }

  get lifetimeMs(): number {
    return this.#lifetimeMs;
  }

  /** The secret id of a new session. */
  begin(credential: Credential): string {
    const id = this.#random.bytes(idBytes).toString("base64url");
    const place = placeOf(id);
    const { name } = credential;
    const endsMs = this.#clock.nowMs() + this.#lifetimeMs;
    this.#sessions.set(place, { name, secret: secretOf(credential), endsMs });
    const places = (this.#idsOf.get(name) ?? []).filter((one) => this.#sessions.get(one));
    places.push(place);
    while (places.length > sessionsPerCredentialMax) this.#sessions.delete(places.shift() ?? "");
    this.#idsOf.set(name, places);
    return id;
  }

  /** As the token file has it now; undefined when the session is over or never was. */
  credentialOf(id: string): Credential | undefined {
    if (!idPattern.test(id)) return undefined;
    const place = placeOf(id);
    const session = this.#sessions.get(place);
    if (session === undefined) return undefined;
    const credential = this.#book.named(session.name);
    const isOver = this.#clock.nowMs() >= session.endsMs;
    if (!isOver && credential !== undefined && secretOf(credential) === session.secret) {
      return credential;
    }
    this.#sessions.delete(place);
    return undefined;
  }

  /** When it ends, for the page; undefined when it is over. */
  endOf(id: string): number | undefined {
    return this.#sessions.get(placeOf(id))?.endsMs;
  }

  end(id: string): void {
    this.#sessions.delete(placeOf(id));
  }
}

function placeOf(id: string): string {
  return sha256(id).toString("base64");
}

function secretOf({ secret }: Credential): string {
  return secret === undefined ? "" : printSecretHash(secret);
}
