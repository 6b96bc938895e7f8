/**
 * One file of the cache on disk: a table of pages, then their bytes, both only ever appended to.
 * Nothing is synced: what a crash tears is found by checksums and is as if it had never been there.
 * Layout: docs/formats/object-cache.md.
 */
import { crc32 } from "node:zlib";
import { join } from "node:path";
import type { FileHandle, Files } from "#world";

/** Objects are cached in pages of this size, aligned in the object; the last one is shorter. */
export const pageBytes: number = 64 * 1024;

const magicText = "SKALDOC1";
const headerBytes = 64;
const entryBytes = 40;
/** Bounds memory: an entry costs some 150 bytes there. */
export const slabPagesMax = 2048;
/** Where the bytes of pages begin. */
export const slabDataStart: number = 84 * 1024;
export const hashBytes = 16;

const fileName = /^([0-9a-f]{8})\.slab$/;

/** Where a page is. `length` under `pageBytes`: the object ends in it. */
export interface PageAt {
  /** Of the object; latin1. */
  readonly hash: string;
  readonly page: number;
  readonly slab: Slab;
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
  /** Reads since it was written. */
  hits: number;
}

export interface NewPage {
  readonly hash: string;
  readonly page: number;
  readonly body: Uint8Array;
}

interface Entry {
  readonly hash: string;
  readonly page: number;
  readonly length: number;
  readonly offset: number;
  readonly crc: number;
}

/** Stands for the page number where all earlier pages of an object are taken back. */
const tombstonePage = 0xffff_ffff;

export class Slab {
  readonly number: number;
  readonly path: string;
  readonly pages: PageAt[] = [];
  readonly #file: FileHandle;
  #entryCount = 0;
  #endBytes = slabDataStart;

  constructor(file: FileHandle, at: { path: string; number: number }) {
    this.#file = file;
    this.path = at.path;
    this.number = at.number;
  }

  get sizeBytes(): number {
    return this.#endBytes;
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  hasRoom(bytes: number, slabBytesMax: number): boolean {
    return this.#entryCount < slabPagesMax && this.#endBytes + bytes <= slabBytesMax;
  }

  /** Bytes first, so that an entry without them is rare; at most `slabPagesMax` in all. */
  async append(pages: readonly NewPage[]): Promise<PageAt[]> {
    const start = this.#endBytes;
    const fresh: PageAt[] = [];
    let offset = start;
    for (const { hash, page, body } of pages) {
      const { length } = body;
      fresh.push({ hash, page, slab: this, offset, length, crc: crc32(body), hits: 0 });
      offset += length;
    }
    const first = this.#entryCount;
    // Counted before the writes: a failed one leaves a hole, never an overlap.
    this.#endBytes = offset;
    this.#entryCount += fresh.length;
    await this.#file.write(
      pages.map(({ body }) => body),
      start,
    );
    await this.#writeEntries(first, fresh);
    this.pages.push(...fresh);
    return fresh;
  }

  /** Takes back all pages of an object that were written before. */
  async appendTombstone(hash: string): Promise<void> {
    const first = this.#entryCount++;
    const entry = { hash, page: tombstonePage, length: 0, offset: this.#endBytes, crc: 0 };
    await this.#writeEntries(first, [entry]);
  }

  /** Neighbours at `offset`; shorter when the file is. */
  read(range: { from: number; to: number }): Promise<Buffer> {
    return this.#file.read(range);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #writeEntries(first: number, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    const table = Buffer.alloc(entries.length * entryBytes);
    for (const [at, entry] of entries.entries()) encodeEntry(entry, table, at * entryBytes);
    await this.#file.write([table], headerBytes + first * entryBytes);
  }

  /** Reads the table of a file of an earlier process; gives pages and tombstones in order. */
  async load(take: (found: PageAt | string) => void): Promise<void> {
    const table = await this.#file.read({ from: headerBytes, to: slabDataStart });
    const fileBytes = await this.#file.sizeBytes();
    for (let at = 0; at + entryBytes <= table.length && this.#entryCount < slabPagesMax; ) {
      const entry = decodeEntry(table, at);
      if (entry === undefined) break;
      at += entryBytes;
      this.#entryCount++;
      if (entry.page === tombstonePage) {
        take(entry.hash);
        continue;
      }
      const end = entry.offset + entry.length;
      if (entry.offset < slabDataStart || entry.length > pageBytes || end > fileBytes) continue;
      this.#endBytes = Math.max(this.#endBytes, end);
      const found = { ...entry, slab: this, hits: 0 };
      this.pages.push(found);
      take(found);
    }
  }
}

function encodeEntry({ hash, page, length, offset, crc }: Entry, into: Buffer, at: number): void {
  into.write(hash, at, hashBytes, "latin1");
  into.writeUInt32LE(page, at + 16);
  into.writeUInt32LE(length, at + 20);
  into.writeUInt32LE(offset, at + 24);
  into.writeUInt32LE(crc, at + 28);
  into.writeUInt32LE(crc32(into.subarray(at, at + 36)), at + 36);
}

/** Undefined when it is none: the table ends there, or was torn. */
function decodeEntry(table: Buffer, at: number): Entry | undefined {
  if (table.readUInt32LE(at + 36) !== crc32(table.subarray(at, at + 36))) return undefined;
  return {
    hash: table.toString("latin1", at, at + hashBytes),
    page: table.readUInt32LE(at + 16),
    length: table.readUInt32LE(at + 20),
    offset: table.readUInt32LE(at + 24),
    crc: table.readUInt32LE(at + 28),
  };
}

export async function createSlab(files: Files, folder: string, number: number): Promise<Slab> {
  const path = join(folder, `${number.toString(16).padStart(8, "0")}.slab`);
  const file = await files.open(path, { create: true, exclusive: true });
  const header = Buffer.alloc(headerBytes);
  header.write(magicText, "latin1");
  await file.write([header], 0);
  return new Slab(file, { path, number });
}

/** The files of a folder in order of their numbers; what is no slab is removed. */
export async function openSlabs(files: Files, folder: string): Promise<Slab[]> {
  const slabs: Slab[] = [];
  for (const { name, isFolder } of await files.list(folder)) {
    const number = fileName.exec(name)?.[1];
    if (number === undefined || isFolder) continue;
    const path = join(folder, name);
    const magic = await files.read(path, { from: 0, to: magicText.length });
    if (magic.toString("latin1") !== magicText) {
      await files.remove(path);
      continue;
    }
    const file = await files.open(path, { create: false, exclusive: false });
    slabs.push(new Slab(file, { path, number: Number.parseInt(number, 16) }));
  }
  return slabs;
}
