import type { Config } from "#config";
import type { Metrics } from "#telemetry";
import type { Files } from "#world";

/** What is left on the disk that pushes are acknowledged on: a full one refuses them. */
export function observeDiskSpace({ journal }: Config, files: Files, metrics: Metrics): void {
  metrics.observe(
    "skald_data_free_bytes",
    "Bytes free on the disk of the journal and the data; NaN when the disk does not tell.",
    () => files.freeBytes(journal.folder).catch(() => Number.NaN),
  );
}
