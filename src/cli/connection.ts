/** Which server to ask and as whom: LogCLI's flags and environment variables. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { messageOf } from "#base";
import { durationOrSeconds, oneOf, wholeNumber } from "./arguments.ts";
import { usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { connectionFlags, type ValueKind } from "./connection-flags.ts";

export interface Connection {
  /** With the path prefix, without a slash at its end. */
  readonly base: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: HttpAgent;
  readonly retries: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** LogCLI has these; nothing here does what they ask for, and saying nothing would mislead. */
const unsupported: readonly (readonly [flags: string, key: string, why: string])[] = [
  ["--cpuprofile <file>", "cpuprofile", "start node with --cpu-prof instead"],
  ["--memprofile <file>", "memprofile", "start node with --heap-prof instead"],
];

type Given = Readonly<Record<string, unknown>>;

function readKind(kind: ValueKind): ((text: string) => unknown) | undefined {
  if (kind === "count") return wholeNumber(0);
  return kind === "backoff" ? durationOrSeconds : undefined;
}

/** Adds the flags without listing them in the command's own help, which would fill a screen. */
export function addConnection(command: Command): Command {
  for (const { flags, kind } of connectionFlags) {
    const option = new Option(flags).hideHelp();
    const read = readKind(kind);
    command.addOption(read === undefined ? option : option.argParser(read));
  }
  command.addOption(new Option("--tenant <tenant>").hideHelp());
  for (const [flags] of unsupported) command.addOption(new Option(flags).hideHelp());
  return command.option("-q, --quiet", "print results only, nothing on stderr");
}

/** Flags win over the environment. Throws a usage error for what cannot be meant. */
export async function connectionOf(given: Given, io: CliIo): Promise<Connection> {
  for (const [flags, key, why] of unsupported) {
    const name = flags.split(" ")[0];
    if (given[key] !== undefined) throw usageError(`${name} is not supported: ${why}`);
  }
  const settings = new Settings(given, io);
  const millis = (key: string, otherwise: number): number => {
    const value = settings.value(key);
    return typeof value === "bigint" && value > 0n ? Number(value / 1_000_000n) : otherwise;
  };
  const minBackoffMs = Math.max(1, millis("minBackoff", minBackoffMsDefault));
  const retries = settings.value("retries");
  return {
    base: baseOf(settings.text("addr") ?? "http://localhost:3100"),
    headers: await headersOf(settings, io),
    agent: await agentOf(settings, io),
    retries: typeof retries === "number" ? retries : 0,
    minBackoffMs,
    maxBackoffMs: Math.max(minBackoffMs, millis("maxBackoff", maxBackoffMsDefault)),
  };
}

/** As LogCLI's client: soon at first, patient in the end. */
const minBackoffMsDefault = 500;
const maxBackoffMsDefault = 300_000;

const onTexts: ReadonlySet<string> = new Set(["1", "true"]);

class Settings {
  readonly #given: Given;
  readonly #io: CliIo;

  constructor(given: Given, io: CliIo) {
    this.#given = given;
    this.#io = io;
  }

  value(key: string): unknown {
    if (this.#given[key] !== undefined) return this.#given[key];
    const found = connectionFlags.find((one) => one.key === key);
    const text = found === undefined ? undefined : this.#io.env[found.env];
    if (found === undefined || text === undefined || text === "") return undefined;
    try {
      if (found.kind === "flag") return onTexts.has(oneOf(...onTexts, "0", "false")(text));
      return readKind(found.kind)?.(text) ?? text;
    } catch (error) {
      throw usageError(`${found.env}=${text}: ${messageOf(error)}`);
    }
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    return typeof value === "string" && value !== "" ? value : undefined;
  }
}

function baseOf(text: string): URL {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw usageError(`--addr: ${JSON.stringify(text)} is not an http or https address`);
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  url.search = "";
  url.hash = "";
  return url;
}

async function headersOf(settings: Settings, io: CliIo): Promise<Record<string, string>> {
  const headers: Record<string, string> = { "User-Agent": "skald-cli" };
  const tenant = settings.text("tenant") ?? settings.text("orgId");
  if (tenant !== undefined) headers["X-Scope-OrgID"] = tenant;
  const authorization = await authorizationOf(settings, io);
  if (authorization !== undefined) {
    headers[settings.text("authHeader") ?? "Authorization"] = authorization;
  }
  const tags = settings.text("queryTags");
  headers["X-Query-Tags"] = tags === undefined ? "Source=skald-cli" : `Source=skald-cli,${tags}`;
  if (settings.value("nocache") === true) headers["Cache-Control"] = "no-cache";
  for (const [name, value] of Object.entries(headers)) {
    // What cannot be a header would fail later without the name of the flag.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw usageError(`the value of ${name} has characters that a header cannot have`);
    }
  }
  return headers;
}

async function authorizationOf(settings: Settings, io: CliIo): Promise<string | undefined> {
  const username = settings.text("username");
  const password = settings.text("password");
  const token = settings.text("bearerToken");
  const tokenFile = settings.text("bearerTokenFile");
  const ways = [username ?? password, token, tokenFile].filter((one) => one !== undefined).length;
  if (ways > 1) {
    throw usageError("give one of --username/--password, --bearer-token and --bearer-token-file");
  }
  if (username !== undefined || password !== undefined) {
    const pair = `${username ?? ""}:${password ?? ""}`;
    return `Basic ${Buffer.from(pair).toString("base64")}`;
  }
  if (token !== undefined) return `Bearer ${token}`;
  if (tokenFile === undefined) return undefined;
  return `Bearer ${(await readNamed("--bearer-token-file", tokenFile, io)).toString().trim()}`;
}

async function agentOf(settings: Settings, io: CliIo): Promise<HttpAgent> {
  const read = async (key: string, name: string): Promise<Buffer | undefined> => {
    const path = settings.text(key);
    return path === undefined ? undefined : readNamed(name, path, io);
  };
  const [ca, cert, key] = [
    await read("caCert", "--ca-cert"),
    await read("cert", "--cert"),
    await read("key", "--key"),
  ];
  if ((cert === undefined) !== (key === undefined)) {
    throw usageError("--cert and --key belong together: give both");
  }
  const common = { keepAlive: true, proxyEnv: proxyOf(settings, io) };
  const base = settings.text("addr") ?? "";
  if (!/^https:/i.test(base)) return new HttpAgent(common);
  return new HttpsAgent({
    ...common,
    rejectUnauthorized: settings.value("tlsSkipVerify") !== true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  });
}

/** `--proxy-url` is for every host; the environment's proxy never for this machine itself. */
function proxyOf(settings: Settings, io: CliIo): Record<string, string> {
  const url = settings.text("proxyUrl");
  if (url !== undefined) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      throw usageError(`--proxy-url: only http and https proxies are supported, not ${url}`);
    }
    return { HTTP_PROXY: url, HTTPS_PROXY: url };
  }
  const { env } = io;
  const proxies: Record<string, string> = {};
  const http = env["http_proxy"] ?? env["HTTP_PROXY"];
  const https = env["https_proxy"] ?? env["HTTPS_PROXY"];
  if (http !== undefined && http !== "") proxies["HTTP_PROXY"] = http;
  if (https !== undefined && https !== "") proxies["HTTPS_PROXY"] = https;
  const direct = env["no_proxy"] ?? env["NO_PROXY"] ?? "";
  proxies["NO_PROXY"] = [direct, "localhost", "127.0.0.1", "[::1]"].filter(Boolean).join(",");
  return proxies;
}

async function readNamed(name: string, path: string, io: CliIo): Promise<Buffer> {
  try {
    return await io.files.read(resolve(io.folder, path));
  } catch (error) {
    throw usageError(`${name}: ${messageOf(error)}`);
  }
}
