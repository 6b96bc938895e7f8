/** Sizes in bytes and durations in milliseconds, so that a constant reads as it is spoken. */
export const KiB = 1024;
export const MiB: number = 1024 * KiB;
export const GiB: number = 1024 * MiB;

export const second = 1000;
export const minute: number = 60 * second;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;

export const nsPerMs = 1_000_000n;
export const nsPerSecond = 1_000_000_000n;
