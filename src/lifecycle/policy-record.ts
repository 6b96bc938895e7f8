/**
 * Since when the retention of a tenant is what it is: one small object per tenant, so that a change
 * of the configuration removes nothing before the delay is over, also not after a restart. Anybody
 * who sees what is expired disappear from the answers can take the change back. Layout:
 * docs/formats/retention-record.md.
 */
import { isStoreError } from "#base";
import type { ObjectStore } from "#objectstore";
import type { Clock } from "#world";
import { tenantPath } from "./tenant-path.ts";

interface Since {
  readonly digest: string;
  readonly sinceMs: number;
}

const formatName = "skald retention record";

export class PolicyRecord {
  readonly #objects: ObjectStore;
  readonly #clock: Clock;
  readonly #known = new Map<string, Since>();

  constructor(options: { readonly objects: ObjectStore; readonly clock: Clock }) {
    this.#objects = options.objects;
    this.#clock = options.clock;
  }

  /** Wall clock. A policy that was never seen is noted as of now. */
  async sinceMs(tenant: string, digest: string): Promise<number> {
    const known = this.#known.get(tenant) ?? (await this.#read(tenant));
    if (known?.digest === digest) {
      this.#known.set(tenant, known);
      return known.sinceMs;
    }
    const since = { digest, sinceMs: this.#clock.nowMs() };
    const body = JSON.stringify({ format: formatName, version: 1, tenant, ...since });
    await this.#objects.put(keyOf(tenant), Buffer.from(`${body}\n`));
    this.#known.set(tenant, since);
    return since.sinceMs;
  }

  /** The same without noting anything: undefined when it was never seen. */
  async knownSinceMs(tenant: string, digest: string): Promise<number | undefined> {
    const known = this.#known.get(tenant) ?? (await this.#read(tenant));
    return known?.digest === digest ? known.sinceMs : undefined;
  }

  /** A record that cannot be read counts as none: then the delay begins anew. */
  async #read(tenant: string): Promise<Since | undefined> {
    try {
      const body = await this.#objects.get(keyOf(tenant));
      const read = JSON.parse(body.toString("utf8")) as Partial<Since> | null;
      const { digest, sinceMs } = read ?? {};
      if (typeof digest !== "string" || !Number.isSafeInteger(sinceMs)) return undefined;
      return { digest, sinceMs: sinceMs! };
    } catch (error) {
      if (isStoreError(error, "missing") || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}

function keyOf(tenant: string): string {
  return `retention/${tenantPath(tenant)}.json`;
}
