/**
 * A time of OpenTelemetry, 64 bits of nanoseconds since 1970, as seconds and nanoseconds without a
 * bigint. Taken as signed, as Loki takes it: seconds are floored, nanoseconds in [0, 1e9).
 */
export class OtlpTime {
  seconds = 0;
  nanos = 0;

  /** `high` and `low` are the halves of the number, each from 0 to 2^32. */
  setWords(high: number, low: number): void {
    const signed = high | 0;
    // Off by one at most: the product is rounded to 53 bits. The rest tells, and fits 32 bits.
    this.seconds = Math.floor((signed * 4294967296 + low) / 1e9);
    this.nanos = (low - Math.imul(this.seconds, 1_000_000_000)) | 0;
    if (this.nanos < 0) {
      this.seconds--;
      this.nanos += 1_000_000_000;
    } else if (this.nanos >= 1_000_000_000) {
      this.seconds++;
      this.nanos -= 1_000_000_000;
    }
  }

  setNs(ns: bigint): void {
    const bits = BigInt.asUintN(64, ns);
    this.setWords(Number(bits >> 32n), Number(bits & 0xffffffffn));
  }

  /** As a decimal number of nanoseconds. */
  text(): string {
    return String(BigInt(this.seconds) * 1_000_000_000n + BigInt(this.nanos));
  }
}
