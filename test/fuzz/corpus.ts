/**
 * Kept inputs, one to a file in `corpus/<target>/`. What the fuzzer kept is named by its digest; what
 * found a fault, or was made by hand, has a name that says so, and minimising leaves it alone.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { KiB } from "#base";

const corpusRoot = join(dirname(fileURLToPath(import.meta.url)), "corpus");
const keptName = /^[0-9a-f]{16}$/;

/** Of one target: all are played in each test run, and live in the repository. */
export const corpusInputsMax = 40;
export const corpusBytesMax: number = 60 * KiB;
/** Of all targets together. */
export const corporaBytesMax: number = 1_228 * KiB;

export interface KeptInput {
  readonly name: string;
  readonly bytes: Buffer;
  /** Not for minimising to take away. */
  readonly isNamed: boolean;
}

export function corpusNames(): string[] {
  return existsSync(corpusRoot) ? readdirSync(corpusRoot).sort() : [];
}

export function corpusOf(target: string): KeptInput[] {
  const folder = join(corpusRoot, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({
      name,
      bytes: readFileSync(join(folder, name)),
      isNamed: !keptName.test(name),
    }));
}

export function keepInput(target: string, bytes: Buffer): void {
  write(target, digestOf(bytes), bytes);
}

/** What found a fault stays for good. */
export function keepFault(target: string, bytes: Buffer): void {
  write(target, `fault-${digestOf(bytes)}`, bytes);
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

function write(target: string, name: string, bytes: Buffer): void {
  const folder = join(corpusRoot, target);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
}

export function dropInput(target: string, { name }: KeptInput): void {
  rmSync(join(corpusRoot, target, name));
}
