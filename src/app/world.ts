import type { Clock, Files, Random } from "#world";

/** Everything that is not deterministic. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
}
