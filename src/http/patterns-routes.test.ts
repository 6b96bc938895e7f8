import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "#config";
import type { PatternQueries, PatternQuestion } from "#patterns";
import { ManualClock } from "#world";
import { fastify } from "fastify";
import { patternsRoutes } from "./patterns-routes.ts";
import type { HttpPorts } from "./ports.ts";

const clock = new ManualClock({ nowNs: 1_768_010_400_000_000_000n });

async function ask(
  query: string,
  options: { asked?: PatternQuestion[]; isEnabled?: boolean } = {},
): Promise<{ status: number; body: { status?: string; data?: unknown; message?: string } }> {
  const queries: PatternQueries = {
    patterns: async (question) => {
      options.asked?.push(question);
      return [{ pattern: 'a "<_>"', level: "info", samples: [[1_768_003_200, 2]] }];
    },
  };
  const limits = { ...defaultLimits, patternIngesterEnabled: options.isEnabled ?? true };
  const ports = {
    clock,
    limits: { for: () => limits },
    authEnabled: true,
    multiTenantQueriesEnabled: true,
  };
  const app = fastify({ exposeHeadRoutes: false });
  patternsRoutes(queries)(app, ports as unknown as HttpPorts);
  const headers = { "x-scope-orgid": "b|a" };
  const answer = await app.inject({ url: `/loki/api/v1/patterns?${query}`, headers });
  await app.close();
  return { status: answer.statusCode, body: answer.json() };
}

const selector = `query=${encodeURIComponent('{app="a"}')}`;

test("patterns are answered with numbers as numbers", async () => {
  const { body } = await ask(selector);
  const data = [{ pattern: 'a "<_>"', level: "info", samples: [[1_768_003_200, 2]] }];
  assert.deepEqual(body, { status: "success", data });
});

test("asks for all tenants, an hour by default, in 250 steps", async () => {
  const asked: PatternQuestion[] = [];
  await ask(selector, { asked });
  const { tenants, range, stepNs, matchers } = asked[0]!;
  assert.deepEqual(tenants, ["a", "b"]);
  assert.equal(range.toNs - range.fromNs, 3_600_000_000_000n);
  assert.equal(stepNs, 14_000_000_000n);
  assert.deepEqual(
    matchers.map(({ name, value }) => [name, value]),
    [["app", "a"]],
  );
});

const refused: readonly (readonly [query: string, status: number, message: RegExp])[] = [
  ["", 400, /unexpected \$end/],
  [`query=${encodeURIComponent('{app="a"} |= "x"')}`, 400, /only label matchers are supported/],
  [`${selector}&start=x`, 400, /could not parse 'start' parameter/],
  [`${selector}&start=20&end=10`, 400, /end timestamp must not be before/],
  [`${selector}&step=0`, 400, /zero or negative query resolution/],
  [`${selector}&start=1&end=1000000&step=1`, 400, /exceeded maximum resolution of 11,000 points/],
];

for (const [query, status, message] of refused) {
  test(`refuses ${decodeURIComponent(query)}`, async () => {
    const answer = await ask(query);
    assert.equal(answer.status, status);
    assert.match(answer.body.message!, message);
  });
}

test("a tenant without patterns has no such page", async () => {
  assert.equal((await ask(selector, { isEnabled: false })).status, 404);
});
