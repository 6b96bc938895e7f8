import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HttpPorts } from "./ports.ts";
import { route } from "./routing.ts";

/** Where Loki shows its rings; dashboards and operators look there. */
const paths = [
  "/ring",
  "/distributor/ring",
  "/indexgateway/ring",
  "/scheduler/ring",
  "/compactor/ring",
  "/ruler/ring",
  "/pattern/ring",
];

interface Member {
  readonly id: string;
  readonly state: "PENDING" | "ACTIVE" | "LEAVING";
  readonly address: string;
  readonly timestamp: string;
}

/**
 * Skald has no ring: one process owns every partition, and says so in the form that readers of
 * Loki's ring pages expect.
 */
export function ringRoutes(app: FastifyInstance, ports: HttpPorts): void {
  for (const path of paths) {
    route(app, ["GET"], path, async (request, reply) => ring(request, reply, ports), {
      kind: "admin",
    });
  }
}

function ring(request: FastifyRequest, reply: FastifyReply, ports: HttpPorts): FastifyReply {
  const now = new Date(ports.clock.nowMs()).toISOString();
  const member: Member = {
    id: "skald",
    state: stateOf(ports),
    address: request.host,
    timestamp: now,
  };
  if (request.headers.accept?.includes("application/json") === true) {
    const shard = { ...member, zone: "", tokens: [0] };
    return reply
      .header("Content-Type", "application/json")
      .send(JSON.stringify({ shards: [shard], now }));
  }
  return reply.header("Content-Type", "text/html; charset=utf-8").send(page(member));
}

function stateOf({ admin }: HttpPorts): Member["state"] {
  if (admin.isStopping()) return "LEAVING";
  return admin.notReady() === undefined ? "ACTIVE" : "PENDING";
}

function page({ id, state, address, timestamp }: Member): string {
  const cells = [id, state, address, timestamp].map((text) => `<td>${escapeHtml(text)}</td>`);
  return (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Ring</title></head>' +
    "<body>" +
    "<h1>Ring</h1><p>There is no ring to keep: this process owns every partition.</p>" +
    "<table><tr><th>Instance</th><th>State</th><th>Address</th><th>As of</th></tr>" +
    `<tr>${cells.join("")}</tr></table></body></html>\n`
  );
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => entities[char] ?? char);
}
