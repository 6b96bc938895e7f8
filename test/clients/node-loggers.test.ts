import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import pino from "pino";
import { pinoLoki } from "pino-loki";
import winston from "winston";
import LokiTransport from "winston-loki";
import { startSkald } from "../support/skald-process.ts";
import { awaitEntries } from "./read-back.ts";

/** pino and winston with their Loki transports, as programs use them, against the real process. */
const skald = await startSkald();
after(() => skald[Symbol.asyncDispose]());
const { url } = skald;

function winstonLogger(
  test: TestContext,
  options: Partial<ConstructorParameters<typeof LokiTransport>[0]>,
): { readonly logger: winston.Logger; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const transport = new LokiTransport({
    host: url,
    gracefulShutdown: false,
    interval: 0.05,
    onConnectionError: (error) => errors.push(error),
    ...options,
  });
  const logger = winston.createLogger({ level: "debug", transports: [transport] });
  test.after(() => transport.close?.());
  return { logger, errors };
}

for (const batching of [false, { interval: 0.05 }] as const) {
  const job = `pino-${typeof batching}`;
  test(`pino-loki, ${batching === false ? "a request a line" : "batching"}`, async (t) => {
    const transport = pinoLoki({
      host: url,
      batching,
      labels: { job },
      propsToLabels: ["region"],
    });
    t.after(() => transport.end());
    const logger = pino(transport);
    logger.info({ region: "eu-1", meta: { traceId: "4bf92f", retries: 3, ok: true } }, "ordered");
    logger.error({ err: new Error("no stock") }, "failed");
    logger.fatal('quotes " and\nnewlines and ünïcode');
    const entries = await awaitEntries(url, `{job="${job}"}`, 3);
    const byMessage = new Map(
      entries.map((entry) => [(JSON.parse(entry.line) as { msg: string }).msg, entry]),
    );
    const ordered = byMessage.get("ordered");
    assert.equal(ordered?.labels["region"], "eu-1");
    assert.equal(ordered.labels["level"], "info");
    const { traceId, retries, ok } = ordered.metadata;
    assert.deepEqual({ traceId, retries, ok }, { traceId: "4bf92f", retries: "3", ok: "true" });
    assert.equal(byMessage.get("failed")?.metadata["detected_level"], "error");
    assert.equal(byMessage.get("failed")?.labels["level"], "error");
    const fatal = byMessage.get('quotes " and\nnewlines and ünïcode');
    assert.equal(fatal?.labels["level"], "critical");
    const ageMs = Date.now() - Number(BigInt(fatal.timeNs) / 1_000_000n);
    assert.ok(ageMs >= -1 && ageMs < 60_000, `stamped ${ageMs} ms ago`);
  });
}

for (const json of [true, false]) {
  const job = `winston-${json ? "json" : "protobuf"}`;
  test(`winston-loki as ${json ? "JSON" : "snappy and protobuf"}`, async (t) => {
    const { logger, errors } = winstonLogger(t, { json, labels: { job } });
    logger.info("plain");
    logger.warn("with data", { order: 17, paid: false, nothing: null, list: [1, "b"] });
    logger.error("own labels", { labels: { region: "eu-1" } });
    const entries = await awaitEntries(url, `{job="${job}"}`, 3);
    assert.deepEqual(errors, []);
    const byStart = (start: string) => entries.find((entry) => entry.line.startsWith(start));
    assert.equal(byStart("plain")?.labels["level"], "info");
    assert.equal(byStart("own labels")?.labels["region"], "eu-1");
    const data = byStart("with data");
    assert.match(data?.line ?? "", /"order":17/);
    if (json) assert.equal(data?.metadata["order"], "17");
  });

  test(`winston-loki's odd label values as ${json ? "JSON" : "protobuf"}`, async (t) => {
    const odd = { job: `${job}-odd`, zero: 0, no: false, nothing: null, unset: undefined };
    const { logger, errors } = winstonLogger(t, { json, labels: odd });
    logger.info("odd");
    const [entry] = await awaitEntries(url, `{job="${job}-odd"}`, 1);
    assert.deepEqual(errors, []);
    const { zero, no, nothing } = entry?.labels ?? {};
    assert.deepEqual({ zero, no, nothing }, { zero: "0", no: "false", nothing: "null" });
  });
}

test("winston-loki is told why a push is refused, and goes on", async (t) => {
  const { logger, errors } = winstonLogger(t, {
    json: true,
    batching: false,
    labels: { job: "refused", "not-a-name": "x" },
  });
  logger.info("refused");
  const deadline = performance.now() + 5_000;
  while (errors.length === 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(errors.length, 1);
  assert.match(String(errors[0]), /couldn't parse labels/);
});
