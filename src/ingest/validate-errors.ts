import { KiB, shortenText } from "#base";

/**
 * More distinct messages than this tell a client nothing new and would let it choose the size of
 * our answer.
 */
const distinctMessagesMax = 100;

/** Of one message: it quotes the labels of a stream, and they may be as large as the push. */
const messageLengthMax: number = 16 * KiB;

/**
 * Errors of one push as Loki reports them: a single one as it is, several as `N errors like: …; M
 * errors like: …`, equal texts counted together.
 */
export class GroupedErrors {
  readonly #counts = new Map<string, number>();
  #total = 0;
  #unlisted = 0;

  get count(): number {
    return this.#total;
  }

  add(text: string): void {
    this.#total++;
    const message = shortenText(text, { lengthMax: messageLengthMax });
    const count = this.#counts.get(message);
    if (count === undefined && this.#counts.size >= distinctMessagesMax) this.#unlisted++;
    else this.#counts.set(message, (count ?? 0) + 1);
  }

  text(): string {
    const groups = [...this.#counts];
    if (this.#total === 1) return groups[0]![0];
    const parts = groups.map(([message, count]) => `${count} errors like: ${message}`);
    if (this.#unlisted > 0) parts.push(`${this.#unlisted} more errors`);
    return parts.join("; ");
  }
}

/** RFC 3339 in UTC without fractions: `2026-01-10T00:00:01Z`. */
export function formatSeconds(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}Z`;
}

/** As Go prints a time: `2026-01-10 00:00:01.5 +0000 UTC`. */
export function formatGoTime(seconds: number, nanos: number): string {
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${formatSeconds(seconds).slice(0, -1).replace("T", " ")}${fraction} +0000 UTC`;
}

/** As Loki prints sizes in settings: the largest binary unit that divides them, `100B`, `3MB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let value = Math.trunc(bytes);
  let unit = 0;
  while (value !== 0 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value}${units[unit]!}`;
}
