/**
 * What the simulation knows of every entry it ever sent, and what an answer may therefore hold:
 * every acknowledged entry exactly once, every other one at most once, deleted ones never again.
 */
import assert from "node:assert/strict";
import { retentionDays } from "./engine.ts";

const dayNs = 86_400_000_000_000n;
/** Around the edge of retention an entry may be there or not. */
const edgeNs: bigint = 3_600_000_000_000n;

export interface SentEntry {
  readonly id: string;
  readonly tenant: string;
  readonly app: string;
  readonly timeNs: bigint;
  readonly line: string;
  /** Entries are deleted by group. */
  readonly group: number;
  isAcknowledged: boolean;
}

interface SentDelete {
  readonly tenant: string;
  readonly group: number;
  isAcknowledged: boolean;
}

/** What was certain when a query began. */
export interface Promised {
  readonly acknowledged: readonly SentEntry[];
  readonly deletedGroups: ReadonlySet<number>;
}

export class Book {
  readonly #byTenant = new Map<string, Map<string, SentEntry>>();
  readonly #deletes: SentDelete[] = [];
  #nextId = 0;
  entriesChecked = 0;

  get entryCount(): number {
    let sum = 0;
    for (const entries of this.#byTenant.values()) sum += entries.size;
    return sum;
  }

  entry(one: Omit<SentEntry, "id" | "isAcknowledged" | "line">, padding: string): SentEntry {
    const id = `e${this.#nextId++}x`;
    const line = `${one.tenant} g${one.group}. ${id} ${padding}`;
    const entry: SentEntry = { ...one, id, line, isAcknowledged: false };
    let entries = this.#byTenant.get(one.tenant);
    if (entries === undefined) this.#byTenant.set(one.tenant, (entries = new Map()));
    entries.set(id, entry);
    return entry;
  }

  delete(tenant: string, group: number): SentDelete {
    const sent: SentDelete = { tenant, group, isAcknowledged: false };
    this.#deletes.push(sent);
    return sent;
  }

  /** To be taken before the query is asked. */
  promised(tenant: string): Promised {
    const entries = [...(this.#byTenant.get(tenant)?.values() ?? [])];
    const deletes = this.#deletes.filter((one) => one.tenant === tenant && one.isAcknowledged);
    return {
      acknowledged: entries.filter((entry) => entry.isAcknowledged),
      deletedGroups: new Set(deletes.map(({ group }) => group)),
    };
  }

  /** `lines` are those of an answer over all times, given at `nowNs`. */
  check(
    tenant: string,
    answer: { lines: readonly string[]; promised: Promised; nowNs: bigint; where: string },
  ): void {
    const { lines, promised, nowNs, where } = answer;
    const known = this.#byTenant.get(tenant);
    const seen = new Set<string>();
    for (const line of lines) {
      const id = /\be\d+x\b/.exec(line)?.[0] ?? "";
      const entry = known?.get(id);
      assert.ok(entry?.line === line, `${where}: ${tenant} has a line nobody sent: ${line}`);
      assert.ok(!seen.has(id), `${where}: ${tenant} has ${line} twice`);
      assert.ok(!promised.deletedGroups.has(entry.group), `${where}: ${line} was deleted`);
      seen.add(id);
    }
    const maybeDeleted = new Set(
      this.#deletes.filter((one) => one.tenant === tenant).map(({ group }) => group),
    );
    const oldestNs = nowNs - BigInt(retentionDays) * dayNs + edgeNs;
    for (const { id, group, timeNs, line } of promised.acknowledged) {
      if (maybeDeleted.has(group) || timeNs < oldestNs) continue;
      assert.ok(seen.has(id), `${where}: ${tenant} lost ${line}`);
      this.entriesChecked++;
    }
  }
}
