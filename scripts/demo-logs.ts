// Logs of a small shop as its services would write them, with an incident in the last quarter: the
// payment provider answers slowly, then not at all. Same seed, same lines.
import { seededRandom } from "#world";

export interface DemoEntry {
  readonly timeMs: number;
  readonly line: string;
}

export interface DemoStream {
  readonly labels: Readonly<Record<string, string>>;
  readonly entries: readonly DemoEntry[];
}

export interface DemoOptions {
  readonly seed: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of all services together. */
  readonly entries: number;
}

interface Chance {
  pick<T>(items: readonly T[]): T;
  number(max: number): number;
  hex(length: number): string;
}

interface Service {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of all entries. */
  readonly share: number;
  readonly line: (chance: Chance, timeMs: number, isIncident: boolean) => string;
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString();

const services: readonly Service[] = [
  {
    name: "gateway",
    labels: { namespace: "edge", job: "nginx" },
    share: 0.38,
    line: (chance, timeMs, isIncident) => {
      const path = chance.pick(["/api/cart", "/api/checkout", "/api/items", "/", "/api/login"]);
      const isBad = isIncident && path === "/api/checkout" && chance.number(3) > 0;
      const status = isBad
        ? chance.pick([502, 504])
        : chance.pick([200, 200, 200, 200, 201, 304, 404]);
      const time = iso(timeMs).replace(/\.\d+Z/, "+00:00");
      const agent = chance.pick(["Mozilla/5.0 (X11; Linux x86_64)", "okhttp/4.12", "curl/8.14"]);
      const ms = isBad ? 30_000 : chance.number(180);
      return `203.0.113.${chance.number(250)} - - [${time}] "GET ${path} HTTP/1.1" ${status} ${chance.number(9000)} "${agent}" ${ms}ms`;
    },
  },
  {
    name: "checkout",
    labels: { namespace: "shop", job: "apps" },
    share: 0.24,
    line: (chance, timeMs, isIncident) => {
      const trace = chance.hex(16);
      const order = 100_000 + chance.number(90_000);
      if (isIncident && chance.number(4) === 0) {
        return `ts=${iso(timeMs)} level=error caller=payment.go:214 msg="charge failed" order=${order} provider=stripe err="context deadline exceeded" took=30.0s trace_id=${trace}`;
      }
      if (chance.number(14) === 0) {
        return `ts=${iso(timeMs)} level=warn caller=retry.go:57 msg="retrying charge" order=${order} attempt=${1 + chance.number(4)} trace_id=${trace}`;
      }
      return `ts=${iso(timeMs)} level=info caller=order.go:${88 + chance.number(20)} msg="order placed" order=${order} items=${1 + chance.number(7)} total=${chance.number(40_000) / 100} took=${20 + chance.number(160)}ms trace_id=${trace}`;
    },
  },
  {
    name: "cart",
    labels: { namespace: "shop", job: "apps" },
    share: 0.18,
    line: (chance, timeMs) => {
      const level = chance.pick(["info", "info", "info", "info", "debug", "debug", "warn"]);
      const msg = {
        info: "item added",
        debug: "cache lookup",
        warn: "cart expired while open",
      }[level as "info"];
      return JSON.stringify({
        time: iso(timeMs),
        level,
        msg,
        user: `u${chance.number(4000)}`,
        sku: `SKU-${1000 + chance.number(800)}`,
        http: {
          method: "POST",
          status: level === "warn" ? 410 : 200,
          duration_ms: chance.number(90),
        },
        trace_id: chance.hex(16),
      });
    },
  },
  {
    name: "payments",
    labels: { namespace: "shop", job: "apps" },
    share: 0.12,
    line: (chance, timeMs, isIncident) => {
      const isBad = isIncident && chance.number(2) === 0;
      return JSON.stringify({
        time: iso(timeMs),
        level: isBad ? "error" : "info",
        msg: isBad ? "provider did not answer" : "charge accepted",
        provider: "stripe",
        attempt: isBad ? 3 : 1,
        duration_ms: isBad ? 30_000 : 180 + chance.number(300),
        ...(isBad ? { error: "read tcp 10.2.0.7:443: i/o timeout" } : {}),
        trace_id: chance.hex(16),
      });
    },
  },
  {
    name: "postgres",
    labels: { namespace: "data", job: "postgres" },
    share: 0.08,
    line: (chance, timeMs) => {
      const time = iso(timeMs).replace("T", " ").replace("Z", " UTC");
      if (chance.number(12) === 0) {
        return `${time} [${300 + chance.number(99)}] WARNING: checkpoints are occurring too frequently (${5 + chance.number(20)} seconds apart)`;
      }
      return `${time} [${300 + chance.number(99)}] LOG: duration: ${chance.number(900)}.${chance.number(999)} ms  statement: SELECT * FROM orders WHERE id = ${chance.number(90_000)}`;
    },
  },
];

export function demoStreams({ seed, fromMs, toMs, entries }: DemoOptions): DemoStream[] {
  const random = seededRandom(seed);
  const number = (max: number): number => Math.floor(random.fraction() * max);
  const chance: Chance = {
    number,
    pick: (items) => items[number(items.length)]!,
    hex: (length) => random.bytes(length / 2).toString("hex"),
  };
  const incidentFromMs = fromMs + (toMs - fromMs) * 0.7;
  const incidentToMs = fromMs + (toMs - fromMs) * 0.86;
  return services.map(({ name, labels, share, line }) => {
    const count = Math.round(entries * share);
    const lines = Array.from({ length: count }, () => {
      // More in some minutes than in others, as people come.
      let at = random.fraction();
      while (random.fraction() > 0.62 + 0.25 * Math.sin(at * 9) + 0.13 * Math.sin(at * 41)) {
        at = random.fraction();
      }
      return Math.round(fromMs + at * (toMs - fromMs));
    }).sort((a, b) => a - b);
    return {
      labels: { ...labels, app: name, cluster: "eu-1" },
      entries: lines.map((timeMs) => {
        const isIncident = timeMs >= incidentFromMs && timeMs < incidentToMs;
        return { timeMs, line: line(chance, timeMs, isIncident) };
      }),
    };
  });
}
