import {
  azureOf,
  gcsOf,
  prefixOf,
  type Reading,
  s3Of,
  type Section,
  sectionAt,
  thanosAzureOf,
  thanosGcsOf,
  thanosS3Of,
} from "./object-stores.ts";
import { type SettingValues, settingValue } from "./settings.ts";
import type { ObjectStoreConfig, RuleStoreConfig } from "./store-config.ts";
import { asText, type Value } from "./value-types.ts";

/**
 * Which kind of store holds rules when neither `ruler_storage.backend` nor `ruler.storage.type` was
 * given: the one that `common.storage` has, and what to set for it. Undefined: the folder of rules.
 */
export function commonRuleStore(
  values: SettingValues,
): { readonly path: string; readonly kind: string } | undefined {
  const isThanos = settingValue(values, "storage_config.use_thanos_objstore") === true;
  const of = (key: string): Value => settingValue(values, `common.storage.${key}`);
  if (isThanos) {
    const path = "ruler_storage.backend";
    if (asText(of("object_store.s3.bucket_name")) !== "") return { path, kind: "s3" };
    if (asText(of("object_store.gcs.bucket_name")) !== "") return { path, kind: "gcs" };
    const hasAzure = asText(of("object_store.azure.account_name")) !== "";
    return hasAzure ? { path, kind: "azure" } : undefined;
  }
  const path = "ruler.storage.type";
  if (asText(of("s3.s3")) !== "" || asText(of("s3.bucketnames")) !== "")
    return { path, kind: "s3" };
  if (asText(of("gcs.bucket_name")) !== "") return { path, kind: "gcs" };
  return asText(of("azure.account_name")) === "" ? undefined : { path, kind: "azure" };
}

/**
 * Where rules are: as `ruler.storage.type` says, Loki's form before there was `ruler_storage`, else
 * as `ruler_storage.backend`.
 */
export function readRuleStore(values: SettingValues): RuleStoreConfig | { fault: string } {
  const get = (path: string): Value => settingValue(values, path);
  const isThanos = get("storage_config.use_thanos_objstore") === true;
  const backend = asText(get("ruler_storage.backend"));
  const type = asText(get("ruler.storage.type"));
  if (type === "local" && !isThanos) {
    return { kind: "local", folder: asText(get("ruler.storage.local.directory")) };
  }
  if (type !== "" && type !== "filesystem" && !isThanos) {
    return chosen(type, {
      s3: () => s3Of(sectionAt(values, "ruler.storage.s3"), "ruler.storage.s3", ""),
      gcs: () => gcsOf(sectionAt(values, "ruler.storage.gcs"), "ruler.storage.gcs", ""),
      azure: () => azureOf(sectionAt(values, "ruler.storage.azure"), "ruler.storage.azure", ""),
    });
  }
  if (backend === "local") {
    return { kind: "local", folder: asText(get("ruler_storage.local.directory")) };
  }
  const folder = asText(get("ruler_storage.filesystem.dir"));
  const keyPrefix = prefixOf(asText(get("ruler_storage.storage_prefix")));
  if (backend !== "" && backend !== "filesystem") {
    const of = sectionAt(values, "ruler_storage");
    const at =
      (name: string): Section =>
      (key) =>
        of(`${name}.${key}`);
    return chosen(backend, {
      s3: () => thanosS3Of(at("s3"), "ruler_storage.s3", keyPrefix),
      gcs: () => thanosGcsOf(at("gcs"), "ruler_storage.gcs", keyPrefix),
      azure: () => thanosAzureOf(at("azure"), "ruler_storage.azure", keyPrefix),
    });
  }
  return { kind: "filesystem", folder, keyPrefix };
}

function chosen(
  kind: string,
  readers: Readonly<Record<string, () => Reading>>,
): ObjectStoreConfig | { fault: string } {
  const name = kind === "aws" ? "s3" : kind;
  const reading = readers[name]?.();
  if (reading === undefined) {
    return {
      fault: `there is no store ${kind} for rules; there are filesystem, local, s3, gcs, azure`,
    };
  }
  return "store" in reading ? reading.store : reading;
}
