/** What a canary says of itself, and how it is told to pause: loki-canary's paths. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { messageOf } from "#base";
import type { Canary } from "./canary.ts";
import type { CanaryMetrics } from "./canary-metrics.ts";
import { CliError } from "./cli-error.ts";

export interface CanaryServer extends AsyncDisposable {
  readonly port: number;
}

/** Rejects when the port is taken. */
export async function startCanaryServer(parts: {
  readonly port: number;
  readonly canary: Canary;
  readonly metrics: CanaryMetrics;
}): Promise<CanaryServer> {
  const server = createServer((request, response) => void answer(request, response, parts));
  server.listen(parts.port);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new CliError(`cannot listen on port ${parts.port}: ${messageOf(error)}`, {
      hints: ["Choose another with -port, or 0 for any."],
    });
  }
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : parts.port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { canary, metrics }: { readonly canary: Canary; readonly metrics: CanaryMetrics },
): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const say = (status: number, text: string): void => {
    response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
  };
  switch (path) {
    case "/metrics": {
      const text = await metrics.registry.text();
      response.writeHead(200, { "Content-Type": metrics.registry.contentType }).end(text);
      return;
    }
    case "/ready":
      return canary.isTailing ? say(200, "ready") : say(503, "the tail is not open");
    case "/suspend":
    case "/resume":
      canary.isSuspended = path === "/suspend";
      return say(200, canary.isSuspended ? "suspended" : "resumed");
    default:
      return say(404, "404 page not found");
  }
}
