import { createHash } from "node:crypto";
import type { Config, LimitsByTenant } from "#config";
import type { DataVersions } from "#frontend";
import { deleteRoutes, type RouteFamily } from "#http";
import { DeleteApi, DeleteBook, MaskedStore, Retention, Visibility } from "#lifecycle";
import type { VisibilityPart } from "#lifecycle";
import type { TimeRange } from "#model";
import type { ObjectStore } from "#objectstore";
import type { LogStore } from "#storage";
import type { Logger } from "#telemetry";
import type { IngestSide } from "./ingest.ts";
import type { World } from "./world.ts";

export interface LifecycleParts {
  readonly config: Config;
  readonly limits: LimitsByTenant;
  readonly objects: ObjectStore;
  readonly ingest: IngestSide;
  readonly world: World;
  readonly log: Logger;
}

/** What becomes of data after it is stored. */
export interface LifecycleSide {
  readonly visibility: Visibility;
  /** What queries may see of the ingest side's store. */
  readonly store: LogStore;
  /** Of what queries see. */
  readonly versions: DataVersions;
  readonly changeNumber: (tenant: string) => number;
  readonly routes: RouteFamily;
}

export function openLifecycle(parts: LifecycleParts): LifecycleSide {
  const { config, limits, objects, ingest, world, log } = parts;
  const { clock, random } = world;
  const book = new DeleteBook({
    objects,
    clock,
    random,
    unreadable: (key, reason) => log.error("delete request cannot be read", { key, reason }),
  });
  const isEnabled = config.compactor.retentionEnabled;
  const retention = new Retention({ limits, clock, log, isEnabled });
  const visibility = new Visibility({ book, retention, limits, clock });
  const { deleteRequestCancelPeriodMs, deleteMaxIntervalMs } = config.compactor;
  const deletes = new DeleteApi({
    book,
    limits,
    clock,
    cancelPeriodMs: deleteRequestCancelPeriodMs,
    maxIntervalMs: deleteMaxIntervalMs,
  });
  const { versions } = ingest;
  return {
    visibility,
    store: new MaskedStore(ingest.store, (tenant, range) => visibility.masks(tenant, range)),
    versions: {
      at: async (tenants, range) => {
        const visible = await Promise.all(tenants.map((one) => visibility.parts(one, range)));
        const stored = await versions.at(tenants, range);
        return {
          of: (part) => [stored.of(part), ...visible.map((all) => digestOf(all, part))].join(" "),
        };
      },
    },
    changeNumber: (tenant) => versions.changeNumber(tenant) + visibility.changeNumber(tenant),
    routes: deleteRoutes(deletes),
  };
}

/** Of the names of what overlaps the range; empty when nothing does. */
function digestOf(parts: readonly VisibilityPart[], { fromNs, toNs }: TimeRange): string {
  const inside = parts.filter(({ minNs, maxNs }) => minNs < toNs && maxNs >= fromNs);
  if (inside.length === 0) return "";
  const hash = createHash("sha256");
  for (const key of inside.map((part) => part.key).sort()) hash.update(`${key}\n`);
  return hash.digest("base64url").slice(0, 22);
}
