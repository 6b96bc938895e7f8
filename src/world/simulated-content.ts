import type { Random } from "./random.ts";

/** What a disk writes at once. */
const sectorBytes = 512;

type Change =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly sizeBytes: number };

/** Bytes that grow at the end without copying all of them each time. */
class Growing {
  #bytes: Buffer = Buffer.alloc(0);
  sizeBytes = 0;

  apply(change: Change): void {
    if (change.kind === "write") this.write(change.bytes, change.offset);
    else this.truncate(change.sizeBytes);
  }

  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    const endOffset = offset + bytes.length;
    this.#reserve(endOffset);
    this.#bytes.set(bytes, offset);
    this.sizeBytes = Math.max(this.sizeBytes, endOffset);
  }

  truncate(sizeBytes: number): void {
    this.#reserve(sizeBytes);
    if (sizeBytes < this.sizeBytes) this.#bytes.fill(0, sizeBytes, this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  read(range: { from: number; to: number }): Buffer {
    const to = Math.min(range.to, this.sizeBytes);
    return Buffer.from(this.#bytes.subarray(Math.min(range.from, to), to));
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(sizeBytes, this.#bytes.length * 2, 4096));
    this.#bytes.copy(grown, 0, 0, this.sizeBytes);
    this.#bytes = grown;
  }
}

/** The bytes of one simulated file: as programs see them, and as a power cut would leave them. */
export class SimulatedContent {
  #seen = new Growing();
  #durable = new Growing();
  /** Not yet durable, in the order of the calls. */
  #pending: Change[] = [];

  get sizeBytes(): number {
    return this.#seen.sizeBytes;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  read(range: { from: number; to: number }): Buffer {
    return this.#seen.read(range);
  }

  write(bytes: Uint8Array, offset: number): void {
    this.#add({ kind: "write", offset, bytes: Buffer.from(bytes) });
  }

  truncate(sizeBytes: number): void {
    this.#add({ kind: "truncate", sizeBytes });
  }

  /** Makes the oldest `count` pending changes durable: those that were there when a sync began. */
  makeDurable(count: number): void {
    for (const change of this.#pending.splice(0, count)) this.#durable.apply(change);
    // The size is durable, too, when the content of a part was lost by a failed sync before.
    if (this.#pending.length === 0 && this.#durable.sizeBytes < this.#seen.sizeBytes) {
      this.#durable.truncate(this.#seen.sizeBytes);
    }
  }

  /** A sync failed: some sectors came through, and no later sync writes the others any more. */
  loseSome(count: number, random: Random): void {
    for (const change of this.#pending.splice(0, count)) this.#applyTorn(change, random);
  }

  corrupt(offset: number, mask: number): void {
    for (const content of [this.#seen, this.#durable]) {
      const byte = content.read({ from: offset, to: offset + 1 });
      if (byte.length === 1) content.write(Buffer.from([byte[0]! ^ mask]), offset);
    }
  }

  crash(random: Random): void {
    const mode = Math.floor(random.fraction() * 4);
    const changes = this.#pending;
    const prefix = Math.floor(random.fraction() * (changes.length + 1));
    for (const [index, change] of changes.entries()) {
      if (mode === 0) continue;
      if (mode === 1 || (mode === 2 && index < prefix)) this.#durable.apply(change);
      else if (mode === 3 || index === prefix) this.#applyTorn(change, random);
    }
    this.#pending = [];
    this.#seen = new Growing();
    this.#seen.write(this.#durable.read({ from: 0, to: this.#durable.sizeBytes }), 0);
  }

  #add(change: Change): void {
    this.#seen.apply(change);
    this.#pending.push(change);
  }

  /** Each sector by chance; the size covers what survived, or sometimes all. */
  #applyTorn(change: Change, random: Random): void {
    if (change.kind === "truncate") {
      if (random.fraction() < 0.5) this.#durable.apply(change);
      return;
    }
    const { offset, bytes } = change;
    const keepRate = random.fraction();
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + sectorBytes - ((offset + from) % sectorBytes));
      if (random.fraction() < keepRate)
        this.#durable.write(bytes.subarray(from, to), offset + from);
      from = to;
    }
    const endOffset = offset + bytes.length;
    if (random.fraction() < 0.5 && this.#durable.sizeBytes < endOffset) {
      this.#durable.truncate(endOffset);
    }
  }
}
