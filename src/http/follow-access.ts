/**
 * Live tails and exports last for hours: longer than what let them in may hold. Every request by a
 * credential is followed until its end, and ended when the token file, the clock or a logout has
 * taken away what it needs. Pushes are not: they are over soon, and cut ones would only come again.
 */
import { type Identity, mayActFor, type Right } from "#access";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HttpPorts } from "./ports.ts";

/** A request may last so much longer than what let it in, beside the time the file takes to be read. */
const lookEveryMs = 1000;

interface Followed {
  readonly identity: Identity;
  readonly needed: readonly Right[];
  tenants: readonly string[];
  end: (reason: string) => void;
}

const followedOf = new WeakMap<FastifyRequest, Followed>();

/** The tenants that the request turned out to be about. */
export function followTenants(request: FastifyRequest, tenants: readonly string[]): void {
  const followed = followedOf.get(request);
  if (followed !== undefined) followed.tenants = tenants;
}

/** How to end it once it is not allowed any more; not said: its connection is closed. */
export function onWithdrawn(request: FastifyRequest, end: (reason: string) => void): void {
  const followed = followedOf.get(request);
  if (followed !== undefined) followed.end = end;
}

type FollowPorts = Pick<HttpPorts, "clock" | "log" | "audit">;

export class AccessFollower {
  readonly #ports: FollowPorts;
  readonly #open = new Map<FastifyRequest, Followed>();
  #cancel: (() => void) | undefined;

  constructor(app: FastifyInstance, ports: FollowPorts) {
    this.#ports = ports;
    app.addHook("onClose", async () => this.#cancel?.());
  }

  follow(
    request: FastifyRequest,
    reply: FastifyReply,
    grant: Pick<Followed, "identity" | "needed">,
  ): void {
    if (request.routeOptions.config.kind === "push" || reply.raw.destroyed) return;
    const followed: Followed = { ...grant, tenants: [], end: () => reply.raw.destroy() };
    followedOf.set(request, followed);
    this.#open.set(request, followed);
    reply.raw.once("close", () => this.#open.delete(request));
    this.#cancel ??= this.#ports.clock.schedule(lookEveryMs, () => this.#look());
  }

  #look(): void {
    for (const [request, followed] of this.#open) {
      const reason = reasonToEnd(followed);
      if (reason === undefined) continue;
      this.#open.delete(request);
      this.#tell(request, followed, reason);
      followed.end(reason);
    }
    this.#cancel =
      this.#open.size === 0
        ? undefined
        : this.#ports.clock.schedule(lookEveryMs, () => this.#look());
  }

  #tell(request: FastifyRequest, { identity, tenants }: Followed, reason: string): void {
    const { log, audit } = this.#ports;
    const actor = identity.credential.name;
    const path = (request.raw.url ?? "").split("?")[0] ?? "";
    log.info("a request was ended, it is not allowed any more", { actor, path, reason });
    audit?.record({
      event: "withdrawn",
      outcome: "ok",
      actor,
      tenant: tenants.join("|"),
      address: request.ip,
      method: request.method,
      path,
      reason,
    });
  }
}

/** Undefined: it may go on. */
function reasonToEnd({ identity, needed, tenants }: Followed): string | undefined {
  const now = identity.current();
  if (now === undefined) return "the credential is not valid any more";
  if (needed.length > 0 && !needed.some((right) => now.rights.has(right))) {
    return `the credential has no right to ${needed.join(" or ")} any more`;
  }
  const other = tenants.find((tenant) => tenant !== "" && !mayActFor(now, tenant));
  return other === undefined ? undefined : `the credential is not for tenant ${other} any more`;
}
