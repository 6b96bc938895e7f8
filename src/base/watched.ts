/**
 * What in this process is bounded, by name, so that its metrics can tell how full each is. Queues
 * and caches say here that they exist; nobody asks them before somebody reads metrics. Names are
 * constants of the code, so there are few. One that nobody holds any more is forgotten.
 */

export interface QueueFigures {
  /** What waits now: requests, lines, entries, as the name says. */
  readonly length: number;
  readonly bytes?: number;
}

export interface CacheFigures {
  readonly entries: number;
  readonly bytes?: number;
}

export interface Totals {
  /** Of all queues and caches of one name. */
  readonly count: number;
  /** Undefined when they are not bounded by bytes. */
  readonly bytes: number | undefined;
  /** What found no room in the queue, or had to leave the cache, since the process started. */
  readonly lost: number;
}

interface Figures {
  readonly count: number;
  readonly bytes: number | undefined;
}

const ofQueue = ({ length, bytes }: QueueFigures): Figures => ({ count: length, bytes });
const ofCache = ({ entries, bytes }: CacheFigures): Figures => ({ count: entries, bytes });

interface Family {
  watched: WeakRef<object>[];
  /** By owner, weakly: a reader made in a constructor holds its owner. */
  readonly readers: WeakMap<object, () => Figures>;
  lost: number;
}

/** Looked through for what is gone when it has grown to this: caches of a query come and go. */
const lookFrom = 64;

const queues = new Map<string, Family>();
const caches = new Map<string, Family>();

export function watchQueue<T extends object>(
  name: string,
  owner: T,
  read: (owner: T) => QueueFigures,
): void {
  watch(familyOf(queues, name), owner, (one) => ofQueue(read(one)));
}

export function watchCache<T extends object>(
  name: string,
  owner: T,
  read: (owner: T) => CacheFigures,
): void {
  watch(familyOf(caches, name), owner, (one) => ofCache(read(one)));
}

/** Found no room: refused, dropped or left out. */
export function countRefused(queue: string, count = 1): void {
  familyOf(queues, queue).lost += count;
}

/** Had to make room for others. */
export function countEvicted(cache: string, count = 1): void {
  familyOf(caches, cache).lost += count;
}

export function queueTotals(): Map<string, Totals> {
  return totalsOf(queues);
}

export function cacheTotals(): Map<string, Totals> {
  return totalsOf(caches);
}

function familyOf(families: Map<string, Family>, name: string): Family {
  let family = families.get(name);
  if (family === undefined) {
    family = { watched: [], readers: new WeakMap(), lost: 0 };
    families.set(name, family);
  }
  return family;
}

function watch<T extends object>(family: Family, owner: T, read: (owner: T) => Figures): void {
  if (family.watched.length >= lookFrom) forgetGone(family);
  family.watched.push(new WeakRef(owner));
  family.readers.set(owner, () => read(owner));
}

function forgetGone(family: Family): void {
  family.watched = family.watched.filter((owner) => owner.deref() !== undefined);
}

function totalsOf(families: ReadonlyMap<string, Family>): Map<string, Totals> {
  const totals = new Map<string, Totals>();
  for (const [name, family] of families) {
    let [count, bytes]: [number, number | undefined] = [0, undefined];
    for (const held of family.watched) {
      const owner = held.deref();
      const figures = owner && family.readers.get(owner)?.();
      if (figures === undefined) continue;
      count += figures.count;
      if (figures.bytes !== undefined) bytes = (bytes ?? 0) + figures.bytes;
    }
    totals.set(name, { count, bytes, lost: family.lost });
  }
  return totals;
}
