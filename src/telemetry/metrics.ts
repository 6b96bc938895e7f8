import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/**
 * The process's Prometheus metrics. Names are Loki's where the meaning is the same (`loki_…`), else `skald_…`. Asking for
 * a metric twice gives the same one.
 */
export interface Metrics {
  counter<T extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly T[],
  ): Counter<T>;
  gauge<T extends string = never>(name: string, help: string, labelNames?: readonly T[]): Gauge<T>;
  histogram<T extends string = never>(
    name: string,
    help: string,
    options: { readonly labelNames?: readonly T[]; readonly buckets: readonly number[] },
  ): Histogram<T>;
  /** A gauge that is read when somebody asks. `read` must not fail: NaN says that nothing is known. */
  observe(name: string, help: string, read: () => number | Promise<number>): void;
  /** The same by the values of one label, as there are then. */
  observeEach(
    name: string,
    help: string,
    labelName: string,
    read: () => Iterable<readonly [labelValue: string, value: number]>,
  ): void;
  /** The same for what only grows. */
  countEach(
    name: string,
    help: string,
    labelName: string,
    read: () => Iterable<readonly [labelValue: string, value: number]>,
  ): void;
  /** The text exposition of all of them. */
  text(): Promise<string>;
  readonly contentType: string;
}

/**
 * Each sample of the event loop's lag wakes the process: prom-client's 10 ms take 0.4 % of a core for nothing. The
 * lag of Node includes this interval.
 */
const lagSampledEveryMs = 50;

export function createMetrics(options: { readonly process: boolean }): Metrics {
  const registry = new Registry();
  const eventLoopMonitoringPrecision = lagSampledEveryMs;
  if (options.process) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision });
  const known = <M>(name: string, make: () => M): M =>
    (registry.getSingleMetric(name) as M | undefined) ?? make();
  const registers = [registry];
  return {
    counter: (name, help, labelNames = []) =>
      known(name, () => new Counter({ name, help, labelNames: [...labelNames], registers })),
    gauge: (name, help, labelNames = []) =>
      known(name, () => new Gauge({ name, help, labelNames: [...labelNames], registers })),
    histogram: (name, help, { labelNames = [], buckets }) =>
      known(
        name,
        () =>
          new Histogram({
            name,
            help,
            labelNames: [...labelNames],
            buckets: [...buckets],
            registers,
          }),
      ),
    observe: (name, help, read) => {
      known(
        name,
        () =>
          new Gauge({
            name,
            help,
            registers,
            collect() {
              const value = read();
              if (typeof value === "number") return this.set(value);
              return value.then((known) => this.set(known));
            },
          }),
      );
    },
    ...readByLabel({ known, registers }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** Metrics that are read when somebody asks, with a value for each of a label's. */
function readByLabel(parts: {
  readonly known: <M>(name: string, make: () => M) => M;
  readonly registers: Registry[];
}): Pick<Metrics, "observeEach" | "countEach"> {
  const { known, registers } = parts;
  return {
    observeEach: (name, help, labelName, read) => {
      known(
        name,
        () =>
          new Gauge({
            name,
            help,
            labelNames: [labelName],
            registers,
            collect() {
              this.reset();
              for (const [value, number] of read()) this.set({ [labelName]: value }, number);
            },
          }),
      );
    },
    countEach: (name, help, labelName, read) => {
      known(
        name,
        () =>
          new Counter({
            name,
            help,
            labelNames: [labelName],
            registers,
            collect() {
              this.reset();
              for (const [value, number] of read()) this.inc({ [labelName]: value }, number);
            },
          }),
      );
    },
  };
}
