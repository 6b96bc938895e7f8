/** Each wrapper is an ObjectStore as good as the one inside. */
import { ManualClock, seededRandom, systemClock } from "#world";
import { HedgedObjectStore } from "./hedged-object-store.ts";
import { MeasuredObjectStore } from "./measured-object-store.ts";
import { MemoryObjectStore } from "./memory-object-store.ts";
import { keyPartBytesMax } from "./object-key.ts";
import type { ObjectStore } from "./object-store.ts";
import { type ObjectStoreFixture, objectStoreContract } from "./object-store.contract.ts";
import { PrefixedObjectStore } from "./prefixed-object-store.ts";
import { RetryingObjectStore } from "./retrying-object-store.ts";

const clock = new ManualClock({ nowMs: 1_000 });
const memory = (): ObjectStore => new MemoryObjectStore({ nowMs: () => clock.nowMs() });
const random = seededRandom(1);

/** Of a part of a key, which has so much less room. */
const longestBeginning = "where-";

const wrapped: readonly (readonly [string, () => ObjectStore])[] = [
  ["retrying", () => new RetryingObjectStore(memory(), { clock, random })],
  ["hedged", () => new HedgedObjectStore(memory(), { clock: systemClock, delayMs: 1 })],
  ["measured", () => new MeasuredObjectStore(memory(), { clock, observer: { observed() {} } })],
  ["below a folder", () => new PrefixedObjectStore(memory(), "some/where/")],
  ["below a beginning", () => new PrefixedObjectStore(memory(), `some/${longestBeginning}`)],
  ["below nothing", () => new PrefixedObjectStore(memory(), "")],
];

for (const [name, open] of wrapped) {
  const limits = { keyPartBytesMax: keyPartBytesMax - longestBeginning.length };
  const fixture = async (): Promise<ObjectStoreFixture> => ({
    store: open(),
    close: async () => undefined,
  });
  objectStoreContract(name, fixture, limits);
}
