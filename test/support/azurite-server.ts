/**
 * Azurite, Microsoft's own emulator of Azure Blob Storage, as a process of its own with everything
 * in memory. It verifies signatures of shared keys and SAS, not tokens of Azure AD.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** An account of Azurite's and its key, made up here. */
export const azuriteAccount = "skaldtest";
export const azuriteKey: string = Buffer.from("a key that is only for tests, 1!").toString(
  "base64",
);

export interface AzuriteServer extends AsyncDisposable {
  /** `http://127.0.0.1:port/account` */
  readonly endpoint: string;
  readonly connectionString: string;
}

const require: NodeJS.Require = createRequire(import.meta.url);

/** Starts it, without containers. */
export async function startAzurite(): Promise<AzuriteServer> {
  const main = join(dirname(require.resolve("azurite/package.json")), "dist/src/blob/main.js");
  const options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"];
  const args = [main, ...options, "--skipApiVersionCheck", "--disableTelemetry", "--silent"];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, AZURITE_ACCOUNTS: `${azuriteAccount}:${azuriteKey}` },
  });
  const origin = await originOf(child);
  const endpoint = `${origin}/${azuriteAccount}`;
  return {
    endpoint,
    connectionString:
      `DefaultEndpointsProtocol=http;AccountName=${azuriteAccount};` +
      `AccountKey=${azuriteKey};BlobEndpoint=${endpoint};`,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function originOf(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    const origin = /listen\w* (?:on|at) (https?:\/\/[\w.:]+)/.exec(line)?.[1];
    if (origin !== undefined) {
      child.stdout!.resume();
      return origin;
    }
    said += `${line}\n`;
  }
  throw new Error(`azurite did not start: ${said}`);
}
