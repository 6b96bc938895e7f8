/**
 * The durable log an accepted push is written to before it is acknowledged. Records of one
 * partition have sequence numbers 1, 2, 3, … that are never reused, also not after truncation and
 * restart.
 */
export interface Journal {
  /** Whose sequence numbers these are: another journal has another identity. */
  readonly id: string;

  /**
   * Writes one record (the concatenation of `parts`, which must not change until then) and makes it
   * durable. All records that arrive while a sync runs share the next sync (group commit). Once
   * durable, `apply` is called synchronously, in order of sequence numbers over all callers, then
   * the promise resolves with the number. Rejects with StoreError `full`, `unavailable` or
   * `closed`; then the record is not in the journal, `apply` is not called, and it never comes back
   * in a replay. When the outcome cannot be known (a failed sync), the journal closes the damaged
   * file, cuts what was not acknowledged, and goes on in a new one.
   */
  append(parts: readonly Uint8Array[], apply: (sequence: number) => void): Promise<number>;

  /**
   * All records with a number of at least `fromSequence`, in order, before the first append. A torn
   * tail is cut; a corrupt record in the middle is skipped and named in `damage`, and the rest is
   * still read.
   */
  replay(fromSequence: number): AsyncIterable<JournalRecord>;

  /** What replay and repair had to leave out, for logs and metrics. */
  readonly damage: readonly JournalDamage[];

  /**
   * Records below this number are no longer needed. Frees whole files only; cheap to call often.
   */
  truncate(beforeSequence: number): Promise<void>;

  /**
   * The next record begins a new file, so that `truncate` can free all there is before it. For those
   * who must know when the bytes of a record are gone.
   */
  endFile(): Promise<void>;

  /** Number of the newest durable record; 0 when there never was one. */
  readonly lastSequence: number;
  /** Number of the oldest record still kept (lastSequence + 1 when none). */
  readonly firstSequence: number;
  /** Bytes on disk. */
  readonly sizeBytes: number;

  /** Finishes what is under way; later appends reject with `closed`. */
  close(): Promise<void>;
}

export interface JournalRecord {
  /** Larger than that of the record before; by more than one only where records were damaged. */
  readonly sequence: number;
  /** May be a view of a larger read (4 MiB): copy what is kept for long. Never changes. */
  readonly body: Buffer;
}

export interface JournalDamage {
  readonly file: string;
  readonly offset: number;
  /** How many bytes were passed over. */
  readonly bytes: number;
  readonly reason: string;
  /** A tail torn by a crash, which was never acknowledged, or damage in the middle, which was. */
  readonly kind: "torn-tail" | "corrupt";
}
