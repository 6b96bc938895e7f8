/** What the tests of this room share: the files that Loki wrote, and a plain reading of them. */
// Read by tests only.
// oxlint-disable-next-line no-restricted-imports
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { Labels } from "#model";
import type { ChunkMeta, IndexSeries } from "./chunk-meta.ts";
import { withTenantLabel } from "./compare-series.ts";
import { openIndex, type TsdbIndex } from "./tsdb-index.ts";
import { type BuiltIndex, writeIndex } from "./write-index.ts";
import type { IndexVersion } from "./tables.ts";

export const fixtureFolder: string = fileURLToPath(
  new URL("../../test/fixtures/loki-bucket", import.meta.url),
);

export function noTurn(): Promise<void> {
  return Promise.resolve();
}

/** Paths of all index files, below the folder of fixtures. */
export function fixtureIndexes(pattern = "**/*.tsdb.gz"): string[] {
  return globSync(pattern, { cwd: fixtureFolder }).sort();
}

export function readFixture(path: string): Buffer {
  const bytes = readFileSync(join(fixtureFolder, path));
  return path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

export function openFixture(path: string): TsdbIndex {
  return openIndex(path, readFixture(path));
}

export function expectedOf(fixture: string): Record<string, unknown> {
  const text = readFixture(join(fixture, "expected.json.gz")).toString();
  return JSON.parse(text) as Record<string, unknown>;
}

/** Every series of a file as its records say, the tenant label among the labels. */
export function seriesOf(index: TsdbIndex): IndexSeries[] {
  const tenants = index.tenants();
  if (tenants.length === 0) {
    return [...index.seriesChunks({ matchers: [], tenant: undefined })];
  }
  const byRef = new Map<number, IndexSeries>();
  for (const tenant of tenants) {
    for (const ref of index.select({ matchers: [], tenant })) {
      byRef.set(ref, {
        fingerprint: index.fingerprintOf(ref),
        labels: withTenantLabel(index.labelsOf(ref), tenant),
        chunks: index.chunksOf(ref),
      });
    }
  }
  return [...byRef].sort((a, b) => a[0] - b[0]).map(([, series]) => series);
}

export async function build(
  series: Iterable<IndexSeries>,
  version: IndexVersion = 3,
): Promise<BuiltIndex> {
  const built = await writeIndex(series, { version, nextTurn: noTurn });
  if (built === undefined) throw new Error("no series");
  return built;
}

export function chunk(parts: Partial<ChunkMeta> = {}): ChunkMeta {
  return {
    minMs: 1_735_689_600_000,
    maxMs: 1_735_689_660_000,
    kib: 1,
    entries: 10,
    checksum: 7,
    ...parts,
  };
}

export function seriesWith(
  labels: Readonly<Record<string, string>>,
  chunks: readonly ChunkMeta[] = [chunk()],
): IndexSeries {
  const set = Labels.from(labels);
  return { fingerprint: set.fingerprint, labels: set, chunks };
}
