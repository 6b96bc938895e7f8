import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { MiB } from "#base";
import type { Random } from "#world";

/**
 * How secrets are stored. Nobody guesses a token of 256 random bits, so one round of SHA-256 is
 * enough and costs a few microseconds a request; passwords can be guessed and are made slow to try by
 * scrypt (RFC 7914).
 *
 *     sha256:<64 hex digits>
 *     scrypt:<N>:<r>:<p>:<salt, base64url>:<hash, base64url>
 */
export type SecretHash = TokenHash | PasswordHash;

export interface TokenHash {
  readonly kind: "sha256";
  readonly hash: Buffer;
}

export interface PasswordHash {
  readonly kind: "scrypt";
  readonly cost: ScryptCost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

export interface ScryptCost {
  /** Iterations, a power of two. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 80 ms a try; twice what Node takes by default. */
const costDefault: ScryptCost = { n: 32_768, r: 8, p: 1 };
/** A file that asks for more would let one login take the process's memory. */
const scryptBytesMax: number = 128 * MiB;
const parallelMax = 4;
const saltBytes = 16;
const saltBytesMax = 64;
const hashBytes = 32;
const tokenBytes = 32;

/** Recognisable, so that scanners for leaked secrets find it. */
const tokenPrefix = "skald_";

/** `skald_` and 43 characters of base64url: 256 bits. */
export function newToken(random: Random): string {
  return tokenPrefix + random.bytes(tokenBytes).toString("base64url");
}

export function sha256(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}

export function hashToken(token: string): TokenHash {
  return { kind: "sha256", hash: sha256(token) };
}

export async function hashPassword(password: string, random: Random): Promise<PasswordHash> {
  const salt = random.bytes(saltBytes);
  const hash = await derive(password, salt, costDefault);
  return { kind: "scrypt", cost: costDefault, salt, hash };
}

export async function isPassword(password: string, stored: PasswordHash): Promise<boolean> {
  const hash = await derive(password, stored.salt, stored.cost);
  return timingSafeEqual(hash, stored.hash);
}

/** Takes as long as a real one and never matches: a name that is not there is not told by time. */
export async function isPasswordOfNobody(password: string): Promise<false> {
  await derive(password, randomBytes(saltBytes), costDefault);
  return false;
}

function derive(password: string, salt: Buffer, { n, r, p }: ScryptCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N: n, r, p, maxmem: 2 * scryptBytesMax };
    scrypt(password.normalize("NFC"), salt, hashBytes, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

export function printSecretHash(secret: SecretHash): string {
  if (secret.kind === "sha256") return `sha256:${secret.hash.toString("hex")}`;
  const { cost, salt, hash } = secret;
  const texts = [salt, hash].map((bytes) => bytes.toString("base64url"));
  return ["scrypt", cost.n, cost.r, cost.p, ...texts].join(":");
}

/** Of what the file had then and has now; no secret is compared, so no time is told. */
export function isSameSecret(left: SecretHash | undefined, right: SecretHash | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return printSecretHash(left) === printSecretHash(right);
}

/** Undefined when it is none. */
export function parseSecretHash(text: string): SecretHash | undefined {
  const hex = /^sha256:([0-9a-f]{64})$/i.exec(text)?.[1];
  if (hex !== undefined) return { kind: "sha256", hash: Buffer.from(hex, "hex") };
  const match = /^scrypt:(\d{1,9}):(\d{1,3}):(\d{1,2}):([\w-]+):([\w-]{43})$/.exec(text);
  if (match === null) return undefined;
  const [n = 0, r = 0, p = 0] = match.slice(1, 4).map(Number);
  const salt = Buffer.from(match[4] ?? "", "base64url");
  const isCost = n >= 1024 && Number.isInteger(Math.log2(n)) && r > 0 && p > 0 && p <= parallelMax;
  const isBounded = 128 * n * r <= scryptBytesMax && salt.length <= saltBytesMax;
  if (!isCost || !isBounded || salt.length < 8) return undefined;
  const hash = Buffer.from(match[5] ?? "", "base64url");
  return { kind: "scrypt", cost: { n, r, p }, salt, hash };
}
