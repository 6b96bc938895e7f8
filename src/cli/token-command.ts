/** Tokens and passwords for the token file: makes them, hashes them, lists what a file has. */
import { resolve } from "node:path";
import { Command } from "commander";
import {
  type Credential,
  hashPassword,
  hashToken,
  newToken,
  parseTokenFile,
  printSecretHash,
} from "#access";
import { KiB, messageOf } from "#base";
import { collect } from "./arguments.ts";
import { CliError, usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, type CommandContext } from "./command-context.ts";
import { tableLines } from "./table-lines.ts";

const secretBytesMax: number = 4 * KiB;
/** A token that people chose can be guessed, and its hash is quick to try. */
const tokenLengthMin = 32;
const passwordLengthMin = 8;

interface NewOptions {
  readonly name: string;
  readonly tenant?: readonly string[];
  readonly right?: readonly string[];
  readonly expires?: string;
  readonly password?: boolean;
}

export function tokenCommand(context: CommandContext): Command {
  const command = new Command("token").description(
    "Make, hash and list credentials for the server's token file. Needs no server.",
  );
  addExamples(
    command,
    "skald token new --name=collector --tenant=team-a --right=write >> tokens.yaml",
    "skald token new --name=anna --tenant=a --right=read --password < secret.txt",
    "skald token hash < token.txt",
    "skald token list tokens.yaml",
  );
  const { io } = context;
  command.addCommand(
    new Command("new")
      .description("print an entry for the token file; the token itself goes to stderr, once")
      .requiredOption("--name <name>", "of the credential, for logs")
      .option("--tenant <tenant>", "it is for; repeat for several, '*' for all", collect)
      .option("--right <right>", "read, write, delete, rules or admin; repeat, '*'", collect)
      .option("--expires <time>", "it ends then: 2027-01-31T00:00:00Z")
      .option("--password", "for a person: take a password from standard input, no token")
      .action((options: NewOptions) => makeCredential(options, io)),
  );
  command.addCommand(
    new Command("hash")
      .description("print the hash of a token from standard input")
      .option("--password", "it is a password")
      .action(async (options: { readonly password?: boolean }) => {
        const secret = await readSecret(io, options.password === true);
        const hash =
          options.password === true ? hashPassword(secret, io.random) : hashToken(secret);
        await io.stdout.line(printSecretHash(await hash));
      }),
  );
  command.addCommand(
    new Command("list")
      .description("print who may do what, by a token file; fails when it is wrong")
      .argument("<file>", "the token file")
      .action((file: string) => listCredentials(file, io)),
  );
  return command;
}

async function makeCredential(options: NewOptions, io: CliIo): Promise<void> {
  const { name, tenant = [], right = [], expires, password } = options;
  const isPassword = password === true;
  const token = isPassword ? undefined : newToken(io.random);
  const hash =
    token === undefined
      ? await hashPassword(await readSecret(io, true), io.random)
      : hashToken(token);
  const row = {
    name,
    [isPassword ? "password_hash" : "token_hash"]: printSecretHash(hash),
    tenants: tenant.includes("*") ? "*" : tenant,
    rights: right.includes("*") ? "*" : right,
    ...(expires === undefined ? {} : { expires }),
  };
  const { problems } = parseTokenFile(JSON.stringify({ credentials: [row] }));
  if (problems.length > 0) throw usageError(problems.join("; "));
  const [first = "", ...others] = Object.entries(row).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}`,
  );
  await io.stdout.line([`  - ${first}`, ...others.map((line) => `    ${line}`)].join("\n"));
  if (token === undefined) return;
  await io.stderr.line(`token, shown this once: ${token}`);
}

async function readSecret(io: CliIo, isPassword: boolean): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of io.stdin) {
    parts.push(Buffer.from(part));
    bytes += part.length;
    if (bytes > secretBytesMax) throw new CliError("a secret longer than 4 KiB is none");
  }
  const secret = Buffer.concat(parts)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  const min = isPassword ? passwordLengthMin : tokenLengthMin;
  if (secret.length >= min) return secret;
  const hint = isPassword ? "" : "; for passwords that people choose there is --password";
  throw new CliError(`expected at least ${min} characters on standard input${hint}`);
}

async function listCredentials(file: string, io: CliIo): Promise<void> {
  let text: string;
  try {
    text = (await io.files.read(resolve(io.folder, file))).toString("utf8");
  } catch (error) {
    throw new CliError(messageOf(error));
  }
  const { credentials, problems } = parseTokenFile(text);
  if (problems.length > 0) throw new CliError(problems.join("\n"));
  const rows = credentials.map((one) => [
    one.name,
    kindOf(one),
    one.tenants === "*" ? "*" : one.tenants.join(","),
    [...one.rights].join(","),
    one.expiresMs === undefined ? "" : new Date(one.expiresMs).toISOString(),
  ]);
  const head = ["NAME", "KIND", "TENANTS", "RIGHTS", "EXPIRES"];
  for (const line of tableLines([head, ...rows])) await io.stdout.line(line.trimEnd());
}

function kindOf({ secret, certificate }: Credential): string {
  const kinds = { sha256: "token", scrypt: "password" } as const;
  const kind = secret === undefined ? [] : [kinds[secret.kind]];
  return [...kind, ...(certificate === undefined ? [] : ["certificate"])].join("+");
}
