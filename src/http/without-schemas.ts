import assert from "node:assert/strict";
import type { FastifyServerOptions } from "fastify";

/**
 * No route has a schema: requests are read by hand, as Loki reads them. Said so, Fastify leaves its
 * compilers of JSON schemas (Ajv and what it needs, 130 modules) unloaded.
 */
export const withoutSchemas: NonNullable<FastifyServerOptions["schemaController"]> = {
  compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas },
};

function noSchemas(): never {
  assert.fail("a route has a schema, but their compilers are not loaded");
}
