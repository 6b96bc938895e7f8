import { RequestError } from "#base";
import { validateTenantId } from "#model";
import { LineCounter, parseDocument } from "yaml";
import { type Principal, type Right, rightNames } from "./principal.ts";
import { parseSecretHash, type SecretHash } from "./secret-hash.ts";

/**
 * The token file, YAML or JSON (docs/operating/access.md):
 *
 *     credentials:
 *       - name: collector
 *         token_hash: "sha256:…"
 *         tenants: [team-a]
 *         rights: [write]
 *
 * It is read as a whole or not at all: one mistake and nothing of it counts.
 */
export interface Credential extends Principal {
  readonly secret: SecretHash | undefined;
  /** Which certificate of a client is this credential; one that our authorities signed. */
  readonly certificate: CertificatePattern | undefined;
  /** From then on it is as if it were not there. */
  readonly expiresMs: number | undefined;
}

/** All that is given must fit. */
export interface CertificatePattern {
  readonly commonName?: string;
  readonly dnsName?: string;
  readonly uri?: string;
  /** SHA-256 of the certificate, 64 hex digits in lower case. */
  readonly fingerprint?: string;
}

export interface TokenFileReading {
  readonly credentials: readonly Credential[];
  /** One text each, with the place; secrets are never in it. */
  readonly problems: readonly string[];
}

/** One mistake makes many; the first ones say where it is, and each costs a look at the text before. */
const yamlErrorsMax = 20;

/** Far more than any deployment has; a wrong file name may lead to a log of gigabytes. */
export const tokenFileLengthMax: number = 8 * 1024 * 1024;
/** Reading YAML of so many takes a second, in which nothing else happens; JSON is read at once. */
const credentialsMax = 10_000;
const nameLengthMax = 128;
const problemsMax = 20;

const namePattern = /^[\w.@+-]+$/;

export function parseTokenFile(text: string): TokenFileReading {
  const reader = new Reader();
  reader.read(text);
  const problems = reader.problems.slice(0, problemsMax);
  return { credentials: problems.length > 0 ? [] : reader.credentials, problems };
}

type Row = Readonly<Record<string, unknown>>;

const keysOfRow = new Set([
  "name",
  "token_hash",
  "password_hash",
  "client_certificate",
  "tenants",
  "rights",
  "expires",
]);
const keysOfCertificate = new Set(["common_name", "dns_name", "uri", "sha256"]);

class Reader {
  readonly problems: string[] = [];
  readonly credentials: Credential[] = [];
  readonly #names = new Set<string>();
  readonly #hashes = new Set<string>();

  read(text: string): void {
    if (text.length > tokenFileLengthMax) {
      this.problems.push(`longer than ${tokenFileLengthMax} characters`);
      return;
    }
    const json = jsonOf(text);
    if (json !== undefined) this.#readRoot(json);
    else this.#readYaml(text);
  }

  #readYaml(text: string): void {
    let document: ReturnType<typeof parseDocument>;
    try {
      document = parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: false });
    } catch (error) {
      // The parser calls itself for each level, until the stack ends.
      if (!(error instanceof RangeError)) throw error;
      this.problems.push("nested too deeply");
      return;
    }
    for (const { code, pos } of document.errors.slice(0, yamlErrorsMax)) {
      // Its message would quote the line, which may hold a secret that somebody put there.
      const line = text.slice(0, pos[0]).split("\n").length;
      this.problems.push(`line ${line}: not YAML (${code})`);
    }
    if (this.problems.length === 0) this.#readRoot(plain(document));
  }

  #readRoot(root: unknown): void {
    const rows = isRow(root) ? root["credentials"] : undefined;
    if (!Array.isArray(rows) || Object.keys(root as Row).length !== 1) {
      this.problems.push("expected one key, credentials, with a list");
      return;
    }
    if (rows.length > credentialsMax) this.problems.push(`more than ${credentialsMax} credentials`);
    for (const [at, row] of rows.slice(0, credentialsMax).entries()) this.#readRow(row, at);
  }

  #readRow(row: unknown, at: number): void {
    if (!isRow(row)) {
      this.problems.push(`credentials[${at}]: expected name, tenants, rights and a hash`);
      return;
    }
    const name = row["name"];
    const isName = typeof name === "string" && name.length <= nameLengthMax;
    const label = isName && namePattern.test(name) ? `credentials[${at}] (${name})` : undefined;
    const say = (message: string): void => {
      this.problems.push(`${label ?? `credentials[${at}]`}: ${message}`);
    };
    if (label === undefined) say("name: expected letters, digits and . _ - @ +, at most 128");
    else if (this.#names.has(String(name))) say("name: there is another one of this name");
    this.#names.add(String(name));
    for (const key of Object.keys(row)) {
      if (!keysOfRow.has(key)) say(`there is no key of this name among its keys: ${safeKey(key)}`);
    }
    const credential: Credential = {
      name: String(name),
      tenants: tenantsOf(row["tenants"], say),
      rights: rightsOf(row["rights"], say),
      secret: this.#secretOf(row, say),
      certificate: certificateOf(row["client_certificate"], say),
      expiresMs: expiryOf(row["expires"], say),
    };
    if (credential.secret === undefined && credential.certificate === undefined) {
      say("expected token_hash, password_hash or client_certificate");
    }
    this.credentials.push(credential);
  }

  #secretOf(row: Row, say: (message: string) => void): SecretHash | undefined {
    const keys = ["token_hash", "password_hash"] as const;
    const given = keys.filter((key) => row[key] !== undefined && row[key] !== null);
    const [key] = given;
    if (key === undefined) return undefined;
    if (given.length > 1) say("both token_hash and password_hash");
    const text = row[key];
    const hash = typeof text === "string" ? parseSecretHash(text) : undefined;
    const kind = key === "token_hash" ? "sha256" : "scrypt";
    if (hash?.kind !== kind) {
      say(`${key}: expected ${kind}:… as 'skald token' prints it`);
      return undefined;
    }
    if (hash.kind === "sha256") {
      if (this.#hashes.has(String(text))) say("token_hash: another credential has the same token");
      this.#hashes.add(String(text));
    }
    return hash;
  }
}

/** YAML holds all of JSON, but ten thousand credentials take its parser a second and JSON's none. */
function jsonOf(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function plain(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A key may be a secret that somebody put in the wrong place. */
function safeKey(key: string): string {
  return /^[a-z_]{1,30}$/.test(key) ? key : "(not shown)";
}

function tenantsOf(value: unknown, say: (message: string) => void): Credential["tenants"] {
  if (value === "*") return "*";
  const list: unknown[] = Array.isArray(value) ? value : [];
  if (list.length === 0) say(`tenants: expected a list of tenants, or "*" for all`);
  const names: string[] = [];
  for (const id of list) {
    try {
      if (typeof id !== "string" || id === "") throw new RequestError(400, "expected a string");
      validateTenantId(id);
      names.push(id);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      say(`tenants: ${error.message}`);
    }
  }
  return [...new Set(names)].sort();
}

function rightsOf(value: unknown, say: (message: string) => void): ReadonlySet<Right> {
  if (value === "*") return new Set(rightNames);
  const list: unknown[] = Array.isArray(value) ? value : [];
  const known = list.map((name) => rightNames.find((right) => right === name));
  if (list.length === 0 || known.includes(undefined)) {
    say(`rights: expected a list of ${rightNames.join(", ")}, or "*" for all`);
  }
  return new Set(known.filter((right) => right !== undefined));
}

function certificateOf(
  value: unknown,
  say: (message: string) => void,
): CertificatePattern | undefined {
  if (value === undefined || value === null) return undefined;
  const row = isRow(value) ? value : {};
  const keys = Object.keys(row);
  const isFit = keys.length > 0 && keys.every((key) => keysOfCertificate.has(key));
  const texts = Object.values(row);
  if (!isFit || !texts.every((text) => typeof text === "string" && text !== "")) {
    say("client_certificate: expected common_name, dns_name, uri or sha256");
    return undefined;
  }
  const text = (key: string): string | undefined => row[key] as string | undefined;
  const fingerprint = text("sha256")?.replaceAll(":", "").toLowerCase();
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/.test(fingerprint)) {
    say("client_certificate.sha256: expected 64 hex digits");
  }
  const [commonName, dnsName, uri] = [text("common_name"), text("dns_name"), text("uri")];
  return {
    ...(commonName === undefined ? {} : { commonName }),
    ...(dnsName === undefined ? {} : { dnsName }),
    ...(uri === undefined ? {} : { uri }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}

function expiryOf(value: unknown, say: (message: string) => void): number | undefined {
  if (value === undefined || value === null) return undefined;
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) say("expires: expected a time such as 2027-01-31T00:00:00Z");
  return ms;
}
