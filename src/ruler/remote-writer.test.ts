import assert from "node:assert/strict";
import { test } from "node:test";
import { decompressSnappyBlock } from "#codec";
import { openLocalJournal } from "#journal";
import { Labels } from "#model";
import { createLogger, createMetrics } from "#telemetry";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import type { OutgoingAnswer, OutgoingRequest } from "./outgoing-http.ts";
import { relabelRule } from "./relabel.ts";
import { type RemoteWriteClient, RemoteWriter } from "./remote-writer.ts";
import type { OutgoingSample } from "./rule-context.ts";
import { encodeWriteRequest } from "./write-request.ts";

const client: RemoteWriteClient = {
  name: "one",
  url: "http://prometheus/api/v1/write",
  headers: { "X-Scope-OrgID": "t" },
  tls: undefined,
  timeoutMs: 1000,
  relabel: [],
  samplesPerSendMax: 3,
  minBackoffMs: 100,
  maxBackoffMs: 5000,
  retriesRateLimit: true,
};

class Fixture {
  readonly clock = new ManualClock({ nowMs: 1_000_000 });
  readonly disk = new SimulatedDisk();
  readonly requests: OutgoingRequest[] = [];
  readonly metrics = createMetrics({ process: false });
  clients: readonly RemoteWriteClient[] = [client];
  status = 204;
  seed = 1;

  async open(): Promise<RemoteWriter> {
    const random = seededRandom(this.seed++);
    const journal = await openLocalJournal({
      files: this.disk,
      clock: this.clock,
      random,
      folder: "/wal",
    });
    const writer = new RemoteWriter({
      clientsOf: () => this.clients,
      journal,
      ageMaxMs: 3_600_000,
      post: async (request): Promise<OutgoingAnswer> => {
        this.requests.push(request);
        return { status: this.status, text: "", retryAfterMs: undefined };
      },
      clock: this.clock,
      random,
      log: createLogger({ level: "error", format: "logfmt", write: () => undefined }),
      metrics: this.metrics,
    });
    await writer.replay();
    return writer;
  }

  /** The bodies of the requests so far, decompressed. */
  bodies(): Buffer[] {
    const limits = { compressedBytesMax: 1e6, rawBytesMax: 1e6 };
    return this.requests.map(({ body }) => decompressSnappyBlock(body, limits));
  }

  async settle(ms = 0): Promise<void> {
    // Writing to the journal takes some turns of the event loop.
    for (let turn = 0; turn < 30; turn++) await new Promise((done) => setImmediate(done));
    await this.clock.advanceAndSettle(ms);
    for (let turn = 0; turn < 30; turn++) await new Promise((done) => setImmediate(done));
  }
}

function sampleOf(name: string, value: number, timeMs = 1_000_000): OutgoingSample {
  return { labels: Labels.from({ __name__: name }), timeMs, value, isStale: false };
}

test("a request has the bytes of remote write 1.0", () => {
  const labels = Labels.from({ __name__: "m", a: "b" });
  const bytes = encodeWriteRequest([
    { labels, timeMs: 300, value: 1.5, isStale: false },
    { labels: Labels.from({ __name__: "m" }), timeMs: 300, value: Number.NaN, isStale: true },
  ]);
  const name = "0a0d0a085f5f6e616d655f5f12016d";
  const want = [
    "0a25", // a series
    name,
    "0a060a016112 0162".replace(" ", ""), // a="b"
    "120c09000000000000f83f10ac02", // 1.5 at 300
    "0a1d",
    name,
    "120c09020000000000f07f10ac02", // the staleness marker
  ].join("");
  assert.equal(bytes.toString("hex"), want);
});

test("samples go out in order, joined up to the largest request", async () => {
  const fixture = new Fixture();
  const writer = await fixture.open();
  fixture.status = 503;
  await writer.write("t", [sampleOf("a", 1)]);
  await fixture.settle();
  assert.equal(fixture.requests.length, 1);
  for (const name of ["b", "c", "d"]) await writer.write("t", [sampleOf(name, 1)]);
  fixture.status = 204;
  await fixture.settle(1000);
  assert.equal(writer.samplesWaiting, 0);
  const [, second, third] = fixture.bodies();
  const first = ["a", "b", "c"].map((name) => encodeWriteRequest([sampleOf(name, 1)]));
  assert.deepEqual(second, Buffer.concat(first));
  assert.deepEqual(third, encodeWriteRequest([sampleOf("d", 1)]));
  const { headers } = fixture.requests[0]!;
  assert.equal(headers["Content-Encoding"], "snappy");
  assert.equal(headers["X-Prometheus-Remote-Write-Version"], "0.1.0");
  assert.equal(headers["X-Scope-OrgID"], "t");
  await writer.close();
});

test("what was not sent survives a restart, what was sent does not come again", async () => {
  const fixture = new Fixture();
  const first = await fixture.open();
  await first.write("t", [sampleOf("sent", 1)]);
  await fixture.settle();
  fixture.status = 503;
  await first.write("t", [sampleOf("waits", 1)]);
  await fixture.settle();
  await first.close();
  fixture.requests.length = 0;
  fixture.status = 204;
  const second = await fixture.open();
  await fixture.settle();
  assert.deepEqual(fixture.bodies(), [encodeWriteRequest([sampleOf("waits", 1)])]);
  await second.close();
  const third = await fixture.open();
  await fixture.settle();
  assert.equal(fixture.requests.length, 1);
  await third.close();
});

const finals: readonly (readonly [status: number, retries: boolean, metric: RegExp])[] = [
  [400, true, /samples_failed_total\{tenant="t",client="one"\} 1/],
  [404, true, /samples_failed_total\{tenant="t",client="one"\} 1/],
  [429, false, /samples_failed_total\{tenant="t",client="one"\} 1/],
];

for (const [status, retriesRateLimit, metric] of finals) {
  test(`${status} is final when retrying 429 is ${retriesRateLimit}: counted, not sent again`, async () => {
    const fixture = new Fixture();
    fixture.clients = [{ ...client, retriesRateLimit }];
    fixture.status = status;
    const writer = await fixture.open();
    await writer.write("t", [sampleOf("a", 1)]);
    await fixture.settle(60_000);
    assert.equal(fixture.requests.length, 1);
    assert.equal(writer.samplesWaiting, 0);
    assert.match(await fixture.metrics.text(), metric);
    await writer.close();
  });
}

test("samples that wait too long are dropped and counted", async () => {
  const fixture = new Fixture();
  fixture.status = 503;
  const writer = await fixture.open();
  await writer.write("t", [sampleOf("a", 1)]);
  await fixture.settle();
  fixture.clock.setWallMs(1_000_000 + 3_600_001);
  await fixture.settle(10_000);
  assert.equal(writer.samplesWaiting, 0);
  assert.match(await fixture.metrics.text(), /samples_dropped_total\{tenant="t",client="one"\} 1/);
  await writer.close();
});

test("relabelling may drop samples; an endpoint that is gone drops what waits", async () => {
  const fixture = new Fixture();
  const drop = relabelRule({ source_labels: ["__name__"], regex: "no.*", action: "drop" });
  fixture.clients = [{ ...client, relabel: [drop] }];
  const writer = await fixture.open();
  await writer.write("t", [sampleOf("nothing", 1)]);
  await writer.write("t", [sampleOf("nope", 1), sampleOf("yes", 2)]);
  await fixture.settle();
  assert.deepEqual(fixture.bodies(), [encodeWriteRequest([sampleOf("yes", 2)])]);
  fixture.status = 503;
  await writer.write("t", [sampleOf("left", 1)]);
  await fixture.settle();
  fixture.clients = [];
  await fixture.settle(10_000);
  assert.equal(writer.samplesWaiting, 0);
  await writer.close();
});
