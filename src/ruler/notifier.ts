/**
 * Alerts on their way to the Alertmanagers (API v2,
 * github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml). Each Alertmanager hears of
 * every alert; for each one that does not answer the newest version of every alert waits.
 *
 * The queue needs no disk: alerts that fire are sent again every resend delay, those that are over
 * for a quarter of an hour, and the alerts themselves survive a restart (alert-state.ts).
 */
import { messageOf } from "#base";
import { Labels } from "#model";
import type { Logger, Metrics } from "#telemetry";
import { BackgroundTasks, type Clock, type Random } from "#world";
import { backoffMs } from "./backoff.ts";
import { isWorthRetrying, type PostHttp, splitUserInfo, type TlsFiles } from "./outgoing-http.ts";
import { relabel, type RelabelRule } from "./relabel.ts";
import type { OutgoingAlert } from "./rule-context.ts";

export interface NotifierOptions {
  /** Where alerts of a tenant go; asked each time, so that it may follow changes. */
  readonly routeOf: (tenant: string) => AlertRoute;
  readonly post: PostHttp;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface AlertRoute {
  /** Base addresses of Alertmanagers: `http://am:9093`, with user and password if need be. */
  readonly urls: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsFiles | undefined;
  readonly timeoutMs: number;
  /** Alerts that may wait for one Alertmanager; then the oldest go. */
  readonly capacity: number;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly relabel: readonly RelabelRule[];
}

/** Alerts in one request. */
const batchMax = 256;
const backoff = { minMs: 1000, maxMs: 30_000 };

interface Waiting {
  readonly alert: OutgoingAlert;
}

interface Queue {
  readonly tenant: string;
  readonly url: string;
  /** By labels; the oldest first. */
  readonly alerts: Map<string, Waiting>;
  isSending: boolean;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #tasks: BackgroundTasks;
  readonly #queues = new Map<string, Queue>();
  readonly #meters: ReturnType<typeof notifierMetrics>;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#tasks = new BackgroundTasks({
      onFailure: ({ error }) =>
        options.log.error("sending of alerts stopped", { reason: messageOf(error) }),
    });
    this.#meters = notifierMetrics(options.metrics, () => this.length);
  }

  /** Alerts that wait, over all Alertmanagers. */
  get length(): number {
    let sum = 0;
    for (const { alerts } of this.#queues.values()) sum += alerts.size;
    return sum;
  }

  notify(tenant: string, alerts: readonly OutgoingAlert[]): void {
    const route = this.#options.routeOf(tenant);
    const sent = alerts.flatMap((alert) => routed(alert, route) ?? []);
    for (const url of route.urls) {
      const queue = this.#queueOf(tenant, url);
      for (const alert of sent) {
        const { key } = alert.labels;
        // To the end: what waited is replaced by its newer version.
        queue.alerts.delete(key);
        queue.alerts.set(key, { alert });
      }
      this.#keepWithin(queue, route.capacity);
      this.#startSending(queue);
    }
  }

  #queueOf(tenant: string, url: string): Queue {
    const place = JSON.stringify([tenant, url]);
    let queue = this.#queues.get(place);
    if (queue === undefined) {
      queue = { tenant, url, alerts: new Map(), isSending: false };
      this.#queues.set(place, queue);
    }
    return queue;
  }

  #keepWithin({ tenant, url, alerts }: Queue, capacity: number): void {
    let dropped = 0;
    for (const key of alerts.keys()) {
      if (alerts.size <= capacity) break;
      alerts.delete(key);
      dropped++;
    }
    if (dropped === 0) return;
    this.#meters.dropped.inc({ user: tenant }, dropped);
    const alertmanager = splitUserInfo(url).url;
    this.#options.log.error("alerts dropped: the queue is full", { tenant, alertmanager, dropped });
  }

  #startSending(queue: Queue): void {
    if (queue.isSending || queue.alerts.size === 0) return;
    queue.isSending = true;
    this.#tasks.spawn("send alerts", async (signal) => {
      try {
        await this.#sendAll(queue, signal);
      } finally {
        queue.isSending = false;
        if (queue.alerts.size === 0) this.#queues.delete(JSON.stringify([queue.tenant, queue.url]));
        else this.#startSending(queue);
      }
    });
  }

  async #sendAll(queue: Queue, signal: AbortSignal): Promise<void> {
    const { clock, random, routeOf } = this.#options;
    let failures = 0;
    while (queue.alerts.size > 0) {
      const route = routeOf(queue.tenant);
      // The Alertmanager is not to be told any more.
      if (!route.urls.includes(queue.url)) return queue.alerts.clear();
      const batch = [...queue.alerts].slice(0, batchMax);
      const isDone = await this.#sendBatch(queue, { batch, route, signal });
      if (isDone) {
        failures = 0;
        for (const [key, waiting] of batch) {
          if (queue.alerts.get(key) === waiting) queue.alerts.delete(key);
        }
      } else {
        failures++;
        await clock.sleep(backoffMs(failures, backoff, random), signal);
      }
    }
    return undefined;
  }

  /** True when the batch need not be sent again. */
  async #sendBatch(
    { tenant, url: base }: Queue,
    sending: {
      readonly batch: readonly (readonly [string, Waiting])[];
      readonly route: AlertRoute;
      readonly signal: AbortSignal;
    },
  ): Promise<boolean> {
    const { batch, route, signal } = sending;
    const { clock, log, post } = this.#options;
    const { url: alertmanager, headers: auth } = splitUserInfo(base);
    const labels = { user: tenant, alertmanager };
    const startedMs = clock.monotonicMs();
    let failure: string;
    let isFinal = false;
    try {
      const answer = await post({
        url: `${alertmanager.replace(/\/+$/, "")}/api/v2/alerts`,
        headers: {
          "Content-Type": "application/json",
          "X-Scope-OrgID": tenant,
          ...route.headers,
          ...auth,
        },
        body: Buffer.from(JSON.stringify(batch.map(([, { alert }]) => alertJson(alert)))),
        timeoutMs: route.timeoutMs,
        tls: route.tls,
        signal,
      });
      this.#meters.seconds.observe(labels, (clock.monotonicMs() - startedMs) / 1000);
      if (answer.status >= 200 && answer.status < 300) {
        this.#meters.sent.inc(labels, batch.length);
        return true;
      }
      failure = `status ${answer.status}: ${answer.text}`;
      isFinal = !isWorthRetrying(answer.status);
    } catch (error) {
      signal.throwIfAborted();
      failure = messageOf(error);
    }
    this.#meters.errors.inc(labels, batch.length);
    if (isFinal) this.#meters.dropped.inc({ user: tenant }, batch.length);
    const fields = { tenant, alertmanager, alerts: batch.length, reason: failure };
    log.warn(isFinal ? "alerts were refused" : "alerts wait: the Alertmanager failed", fields);
    return isFinal;
  }

  /** Stops sending; what waits comes again after the next start, since it is still due. */
  close(): Promise<void> {
    return this.#tasks.stop();
  }
}

/** Undefined: relabelling dropped it. */
function routed(alert: OutgoingAlert, route: AlertRoute): OutgoingAlert | undefined {
  const labels = Labels.of([...Object.entries(route.externalLabels), ...alert.labels.pairs]);
  const relabelled = relabel(labels, route.relabel);
  return relabelled === undefined ? undefined : { ...alert, labels: relabelled };
}

function alertJson(alert: OutgoingAlert): unknown {
  return {
    labels: alert.labels.toRecord(),
    annotations: alert.annotations.toRecord(),
    startsAt: new Date(alert.startsAtMs).toISOString(),
    endsAt: new Date(alert.endsAtMs).toISOString(),
    generatorURL: alert.generatorUrl,
  };
}

function notifierMetrics(metrics: Metrics, length: () => number) {
  const prefix = "loki_prometheus_notifications";
  const labelNames = ["user", "alertmanager"] as const;
  metrics.observe(`${prefix}_queue_length`, "Alerts that wait to be sent.", length);
  return {
    sent: metrics.counter(`${prefix}_sent_total`, "Alerts sent.", labelNames),
    errors: metrics.counter(`${prefix}_errors_total`, "Alerts whose sending failed.", labelNames),
    dropped: metrics.counter(`${prefix}_dropped_total`, "Alerts dropped.", ["user"]),
    seconds: metrics.histogram(`${prefix}_latency_seconds`, "Time to send alerts.", {
      labelNames,
      buckets: [0.005, 0.05, 0.25, 1, 5, 10],
    }),
  };
}
