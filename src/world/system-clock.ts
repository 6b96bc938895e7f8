import type { Clock } from "./clock.ts";

/** The longest delay that a Node timer takes (2^31 - 1 ms); longer ones are made of several. */
const timerDelayMsMax = 2 ** 31 - 1;

/**
 * The wall clock has milliseconds, the monotonic clock microseconds. Their difference at the last
 * look places `nowNs` inside the current millisecond; when the wall clock is set or the two drift
 * apart, the result stays inside the millisecond that the wall clock shows.
 */
let wallMinusMonotonicMs = performance.timeOrigin;

function fractionOfMs(wallMs: number): number {
  const monotonicMs = performance.now();
  const fraction = wallMinusMonotonicMs + monotonicMs - wallMs;
  if (fraction >= 0 && fraction < 1) return fraction;
  const nearest = fraction < 0 ? 0 : 0.999_999;
  wallMinusMonotonicMs = wallMs + nearest - monotonicMs;
  return nearest;
}

function schedule(delayMs: number, task: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, timerDelayMsMax);
    const next = leftMs > stepMs ? () => arm(leftMs - stepMs) : task;
    timer = setTimeout(next, stepMs);
    timer.unref();
  };
  arm(Math.max(0, delayMs));
  return () => clearTimeout(timer);
}

/** `Clock.sleep` in terms of `Clock.schedule`. */
export function sleepBy(
  scheduleTask: Clock["schedule"],
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = scheduleTask(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The clock of this machine. Nanoseconds are true to about a microsecond. */
export const systemClock: Clock = {
  nowNs: () => {
    const wallMs = Date.now();
    return BigInt(wallMs) * 1_000_000n + BigInt(Math.floor(fractionOfMs(wallMs) * 1e6));
  },
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs, signal) => sleepBy(schedule, delayMs, signal),
  schedule,
};
