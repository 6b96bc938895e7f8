/** Whether the addresses to listen on are there, and free. */
import { once } from "node:events";
import { createServer } from "node:net";
import { messageOf } from "#base";
import type { Config } from "#config";
import type { Finding } from "./doctor.ts";

export async function checkPorts({ server }: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [what, address, port] of [
    ["http port", server.httpListenAddress, server.httpListenPort],
    ["grpc port", server.grpcListenAddress, server.grpcListenPort],
  ] as const) {
    findings.push(await checkPort(what, address, port));
  }
  return findings;
}

async function checkPort(check: string, address: string, port: number): Promise<Finding> {
  const place = `${address === "" ? "*" : address}:${port}`;
  const server = createServer();
  server.listen({ port, ...(address === "" ? {} : { host: address }) });
  try {
    await once(server, "listening");
    return { check, status: "ok", says: port === 0 ? "any free one" : `${place} is free` };
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "EADDRINUSE") {
      const advice = `Well if that is Skald itself; else choose another with ${flagOf(check)}.`;
      return { check, status: "warning", says: `${place}: another process listens there`, advice };
    }
    const advice =
      code === "EACCES"
        ? `Ports below 1024 need a right of their own; choose another with ${flagOf(check)}.`
        : "Is that an address of this machine?";
    return { check, status: "error", says: `${place}: ${messageOf(error)}`, advice };
  } finally {
    server.close();
  }
}

function flagOf(check: string): string {
  return check.startsWith("http") ? "-server.http-listen-port" : "-server.grpc-listen-port";
}
