import type { Config } from "#config";
import { type ObjectStore, openFilesystemObjectStore } from "#objectstore";
import { StoreError } from "#base";
import type { World } from "./world.ts";

/** The object store of all schema periods. What would leave data unread is refused. */
export async function openObjectStore(config: Config, world: World): Promise<ObjectStore> {
  const nowNs = world.clock.nowNs();
  const period = config.schemaPeriods.findLast(({ fromNs }) => fromNs <= nowNs);
  if (period === undefined) {
    throw new StoreError(
      "denied",
      "schema_config: no period has begun yet; add one from 1970-01-01",
    );
  }
  const refused = config.schemaPeriods.find(({ store }) => store !== "skald");
  if (refused !== undefined) {
    throw new StoreError(
      "denied",
      `schema_config: the period from ${refused.from} has store: ${refused.store}, which Skald ` +
        "cannot read yet; use store: skald for periods without data of Loki's own format",
    );
  }
  const elsewhere = config.schemaPeriods.find(
    ({ objectStore }) => objectStore !== period.objectStore,
  );
  if (elsewhere !== undefined) {
    throw new StoreError(
      "denied",
      `schema_config: the period from ${elsewhere.from} has object_store: ${elsewhere.objectStore}, the ` +
        `one in force ${period.objectStore}; Skald reads one object store only, so far`,
    );
  }
  const store = config.objectStores.byName.get(period.objectStore);
  if (store === undefined) {
    throw new StoreError("denied", `schema_config: there is no object store ${period.objectStore}`);
  }
  if (store.kind !== "filesystem") throw new StoreError("denied", store.kind);
  return openFilesystemObjectStore({ ...world, folder: store.folder });
}
