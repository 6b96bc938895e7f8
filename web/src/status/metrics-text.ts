// The text that Prometheus scrapes, read in the browser; pure.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Metrics {
  readonly #byName = new Map<string, Sample[]>();

  constructor(text: string) {
    for (const line of text.split("\n")) {
      const sample = sampleOf(line);
      if (sample === undefined) continue;
      const known = this.#byName.get(sample.name);
      if (known === undefined) this.#byName.set(sample.name, [sample]);
      else known.push(sample);
    }
  }

  samples(name: string): readonly Sample[] {
    return this.#byName.get(name) ?? [];
  }

  /** Over all series that have these labels; undefined when there is no such metric. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const samples = this.#byName.get(name);
    if (samples === undefined) return undefined;
    const wanted = Object.entries(labels);
    return samples
      .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Sums by the values of one label. */
  sumBy(name: string, label: string): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const { labels, value } of this.samples(name)) {
      const key = labels[label] ?? "";
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return sums;
  }
}

const linePattern = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;

function sampleOf(line: string): Sample | undefined {
  if (line === "" || line.startsWith("#")) return undefined;
  const match = linePattern.exec(line);
  if (match === null) return undefined;
  const labels: Record<string, string> = {};
  for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[name!] = value!.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
  }
  return { name: match[1]!, labels, value: numberOf(match[3]!) };
}

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}
