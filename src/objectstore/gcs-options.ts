import type { Clock, Files } from "#world";

/**
 * Where and how. Credentials: `serviceAccount`, `keyFile`, or else the usual chain of Google's
 * libraries (GOOGLE_APPLICATION_CREDENTIALS, gcloud's, workload identity, metadata server).
 */
export interface GcsObjectStoreOptions {
  readonly clock: Clock;
  readonly files: Files;
  readonly bucket: string;
  /**
   * `host:port` or a URL. Default: STORAGE_EMULATOR_HOST of the environment, or Google's. One that
   * begins with http:// is asked without credentials unless there are configured ones.
   */
  readonly endpoint?: string | undefined;
  /** The JSON of a service account or of an external account, as text. */
  readonly serviceAccount?: string | undefined;
  /** The path of a file with such JSON. */
  readonly keyFile?: string | undefined;
  /** Bodies above this go in parts. Default 16 MiB. */
  readonly resumableAboveBytes?: number | undefined;
  /** Rounded up to a multiple of 256 KiB, which Google demands. Default 8 MiB. */
  readonly partBytes?: number | undefined;
  /** A request and its answer must be done within. Default and 0: 2 minutes. */
  readonly timeoutMs?: number | undefined;
  /** Requests at a time; more wait. Default 128. */
  readonly connectionsMax?: number | undefined;
}
