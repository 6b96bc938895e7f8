/**
 * Profiles in the format that `go tool pprof` opens, where Go's programs have them. One at a time:
 * measuring costs the process time. They show names of functions, no data of anybody's.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { countRefused, RequestError } from "#base";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parametersOf } from "./parameters.ts";
import { route } from "./routing.ts";
import { goneSignal, type RouteFamily } from "./server.ts";

export interface ProfilePort {
  /** Encoded, not compressed; ends early, rejecting, when the signal aborts. */
  cpu(durationMs: number, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * Memory in use by who allocated it, encoded; with a duration, what has come and gone meanwhile.
   */
  heap(asked: HeapAsked, signal: AbortSignal): Promise<Uint8Array>;
}

export interface HeapAsked {
  /** 0: all that is in use. */
  readonly durationMs: number;
  /** What nobody refers to any more is collected first; that holds the process up. */
  readonly collects: boolean;
}

const secondsDefault = 30;
const secondsMax = 300;

const zip = promisify(gzip);

export function profileRoutes(profiles: ProfilePort): RouteFamily {
  return (app: FastifyInstance) => {
    let isBusy = false;
    countRefused("profiles", 0);
    const answer = async (
      request: FastifyRequest,
      reply: FastifyReply,
      kind: "cpu" | "heap",
    ): Promise<FastifyReply> => {
      const signal = goneSignal(reply);
      const durationMs = 1000 * secondsOf(request, kind === "cpu" ? secondsDefault : 0);
      const collects = Number(parametersOf(request).get("gc")) > 0;
      if (isBusy) {
        countRefused("profiles");
        throw new RequestError(429, "another profile is being taken", { retryAfterSeconds: 5 });
      }
      isBusy = true;
      try {
        const profile = await (kind === "cpu"
          ? profiles.cpu(durationMs, signal)
          : profiles.heap({ durationMs, collects }, signal));
        return await reply
          .header("Content-Type", "application/octet-stream")
          .header("Content-Disposition", `attachment; filename="${kind}.pb.gz"`)
          .header("X-Content-Type-Options", "nosniff")
          .send(await zip(profile));
      } finally {
        isBusy = false;
      }
    };
    const admin = { kind: "admin" } as const;
    route(
      app,
      ["GET"],
      "/debug/pprof/profile",
      (request, reply) => answer(request, reply, "cpu"),
      admin,
    );
    for (const name of ["heap", "allocs"]) {
      const path = `/debug/pprof/${name}`;
      route(app, ["GET"], path, (request, reply) => answer(request, reply, "heap"), admin);
    }
    for (const path of ["/debug/pprof", "/debug/pprof/"]) {
      route(app, ["GET"], path, async (_request, reply) => index(reply), admin);
    }
  };
}

function secondsOf(request: FastifyRequest, otherwise: number): number {
  const text = parametersOf(request).get("seconds");
  if (text === undefined || text === null || text === "") return otherwise;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= secondsMax) return seconds;
  throw new RequestError(400, `seconds is a whole number from 1 to ${secondsMax}`);
}

function index(reply: FastifyReply): FastifyReply {
  const lines = [
    "Profiles of this process; open them with: go tool pprof <address>",
    "",
    `profile?seconds=${secondsDefault}  where CPU time goes, sampled for so long (at most ${secondsMax})`,
    "heap                what is in use: V8's heap by who allocated it, and buffers",
    "heap?gc=1           the same after a garbage collection",
    "heap?seconds=5      what has come and gone in so long",
    "",
  ];
  return reply.header("Content-Type", "text/plain; charset=utf-8").send(lines.join("\n"));
}
