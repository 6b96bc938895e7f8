import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "#model";
import { createLogger, createMetrics } from "#telemetry";
import { ManualClock, seededRandom } from "#world";
import { type AlertRoute, Notifier } from "./notifier.ts";
import type { OutgoingAnswer, OutgoingRequest } from "./outgoing-http.ts";
import { relabelRule } from "./relabel.ts";
import type { OutgoingAlert } from "./rule-context.ts";

type Answer = (request: OutgoingRequest) => number | Error;

class Fixture {
  readonly clock = new ManualClock({ nowMs: 1000 });
  readonly requests: OutgoingRequest[] = [];
  readonly logged: string[] = [];
  answer: Answer = () => 200;
  route: AlertRoute = {
    urls: ["http://am"],
    headers: {},
    tls: undefined,
    timeoutMs: 1000,
    capacity: 100,
    externalLabels: {},
    relabel: [],
  };
  readonly metrics = createMetrics({ process: false });
  readonly notifier = new Notifier({
    routeOf: () => this.route,
    post: async (request): Promise<OutgoingAnswer> => {
      this.requests.push(request);
      const status = this.answer(request);
      if (status instanceof Error) throw status;
      return { status, text: "", retryAfterMs: undefined };
    },
    clock: this.clock,
    random: seededRandom(1),
    log: createLogger({
      level: "warn",
      format: "logfmt",
      write: (line) => this.logged.push(line),
    }),
    metrics: this.metrics,
  });

  /** Names and values of the alerts in each request so far. */
  sent(): string[][] {
    return this.requests.map(({ body }) =>
      (JSON.parse(body.toString()) as { labels: object; annotations: { v: string } }[]).map(
        ({ labels, annotations }) => `${Object.values(labels).join(",")}=${annotations.v}`,
      ),
    );
  }
}

function alert(name: string, value = "1"): OutgoingAlert {
  return {
    labels: Labels.from({ alertname: name }),
    annotations: Labels.from({ v: value }),
    startsAtMs: 0,
    endsAtMs: 60_000,
    generatorUrl: "http://skald/",
  };
}

test("every Alertmanager hears of every alert, in the form of its API", async () => {
  const fixture = new Fixture();
  fixture.route = { ...fixture.route, urls: ["http://me:pw@one/am/", "http://two"] };
  fixture.notifier.notify("t", [alert("a")]);
  await fixture.clock.advanceAndSettle(0);
  assert.deepEqual(
    fixture.requests.map(({ url }) => url),
    ["http://one/am/api/v2/alerts", "http://two/api/v2/alerts"],
  );
  const [first, second] = fixture.requests;
  assert.equal(first?.headers["Authorization"], `Basic ${btoa("me:pw")}`);
  assert.deepEqual(second?.headers, { "Content-Type": "application/json", "X-Scope-OrgID": "t" });
  assert.deepEqual(JSON.parse(first?.body.toString() ?? ""), [
    {
      labels: { alertname: "a" },
      annotations: { v: "1" },
      startsAt: "1970-01-01T00:00:00.000Z",
      endsAt: "1970-01-01T00:01:00.000Z",
      generatorURL: "http://skald/",
    },
  ]);
});

test("away for minutes: each alert arrives in its newest version, what came meanwhile too", async () => {
  const fixture = new Fixture();
  fixture.answer = () => new Error("connect ECONNREFUSED");
  fixture.notifier.notify("t", [alert("a", "old"), alert("b")]);
  await fixture.clock.advanceAndSettle(300_000);
  fixture.notifier.notify("t", [alert("a", "new"), alert("c")]);
  await fixture.clock.advanceAndSettle(300_000);
  assert.equal(fixture.notifier.length, 3);
  const tries = fixture.requests.length;
  assert.ok(tries > 10 && tries < 100, `${tries} tries with pauses between`);
  fixture.answer = () => 200;
  await fixture.clock.advanceAndSettle(60_000);
  assert.deepEqual(fixture.sent().at(-1), ["b=1", "a=new", "c=1"]);
  assert.equal(fixture.notifier.length, 0);
});

test("one that is away does not keep the others waiting", async () => {
  const fixture = new Fixture();
  fixture.route = { ...fixture.route, urls: ["http://away", "http://there"] };
  fixture.answer = ({ url }) => (url.includes("away") ? 503 : 200);
  fixture.notifier.notify("t", [alert("a")]);
  await fixture.clock.advanceAndSettle(60_000);
  assert.equal(fixture.requests.filter(({ url }) => url.includes("there")).length, 1);
  assert.equal(fixture.notifier.length, 1);
});

test("what is refused for good is not sent again", async () => {
  const fixture = new Fixture();
  fixture.answer = () => 400;
  fixture.notifier.notify("t", [alert("a")]);
  await fixture.clock.advanceAndSettle(60_000);
  assert.equal(fixture.requests.length, 1);
  assert.equal(fixture.notifier.length, 0);
  assert.match(await fixture.metrics.text(), /notifications_dropped_total\{user="t"\} 1/);
});

test("a full queue gives up the oldest, and says so", async () => {
  const fixture = new Fixture();
  fixture.route = { ...fixture.route, capacity: 2 };
  fixture.answer = () => 503;
  fixture.notifier.notify("t", [alert("a"), alert("b")]);
  await fixture.clock.advanceAndSettle(0);
  fixture.notifier.notify("t", [alert("c")]);
  fixture.answer = () => 200;
  await fixture.clock.advanceAndSettle(60_000);
  assert.deepEqual(fixture.sent().at(-1), ["b=1", "c=1"]);
  assert.ok(fixture.logged.some((line) => line.includes("the queue is full")));
});

test("external labels are added where there is none, and relabelling comes last", async () => {
  const fixture = new Fixture();
  fixture.route = {
    ...fixture.route,
    externalLabels: { alertname: "never", cluster: "c" },
    relabel: [
      relabelRule({ source_labels: ["alertname"], regex: "secret", action: "drop" }),
      relabelRule({ source_labels: ["cluster"], target_label: "cluster", replacement: "x-$1" }),
    ],
  };
  fixture.notifier.notify("t", [alert("a"), alert("secret")]);
  await fixture.clock.advanceAndSettle(0);
  assert.deepEqual(fixture.sent(), [["a,x-c=1"]]);
});

test("an Alertmanager that is taken out of the configuration is not waited for", async () => {
  const fixture = new Fixture();
  fixture.answer = () => 503;
  fixture.notifier.notify("t", [alert("a")]);
  await fixture.clock.advanceAndSettle(10_000);
  fixture.route = { ...fixture.route, urls: [] };
  await fixture.clock.advanceAndSettle(60_000);
  assert.equal(fixture.notifier.length, 0);
  await fixture.notifier.close();
});
