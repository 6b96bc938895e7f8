import { randomBytes } from "node:crypto";

/** Chance as a parameter. */
export interface Random {
  /** `count` bytes, for ids. */
  bytes(count: number): Buffer;
  /** In [0, 1), for jitter and sampling. */
  fraction(): number;
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  fraction: () => randomBytes(4).readUInt32LE() / 2 ** 32,
};

/** The same bytes for the same seed (mulberry32), for tests and simulation. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return {
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 0xff)),
    fraction: () => next() / 2 ** 32,
  };
}
