import { RequestError } from "#base";
import { quoteGo } from "#model";
import type { FastifyRequest } from "fastify";
import { contentTypeOf } from "./content-type.ts";
import { parseQueryString } from "./query-string.ts";

const formType = "application/x-www-form-urlencoded";
const formMethods: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

const intMax = 2n ** 63n - 1n;
const intMin = -(2n ** 63n);

/**
 * The parameters of a request: of a POST form the body's come before the URL's, as Go's
 * `Request.Form` has them. Names are case-sensitive; the first value of a name counts.
 */
export class Parameters {
  readonly #values = new Map<string, string[]>();

  constructor(pairs: Iterable<readonly [name: string, value: string]>) {
    for (const [name, value] of pairs) {
      const values = this.#values.get(name);
      if (values === undefined) this.#values.set(name, [value]);
      else values.push(value);
    }
  }

  /** The empty string when missing: an empty parameter counts as none. */
  get(name: string): string {
    return this.#values.get(name)?.[0] ?? "";
  }

  all(name: string): string[] {
    return [...(this.#values.get(name) ?? [])];
  }

  /** A whole number; `fallback` when missing. Throws RequestError 400 with Go's words. */
  integer(name: string, fallback: number): number {
    const text = this.get(name);
    if (text === "") return fallback;
    const fault = integerFault(text);
    if (fault !== undefined) {
      throw new RequestError(400, `strconv.Atoi: parsing ${quoteGo(text)}: ${fault}`);
    }
    return Number(text);
  }
}

function integerFault(text: string): string | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return "invalid syntax";
  if (text.length < 18) return undefined;
  const value = BigInt(text.replace("+", ""));
  return value > intMax || value < intMin ? "value out of range" : undefined;
}

/** Throws RequestError 400 when the URL's query or the form cannot be read. */
export function parametersOf(request: FastifyRequest): Parameters {
  return new Parameters([...formPairs(request), ...urlPairs(request)]);
}

function urlPairs(request: FastifyRequest): [string, string][] {
  const url = request.raw.url ?? "";
  const at = url.indexOf("?");
  return at < 0 ? [] : parseQueryString(url.slice(at + 1));
}

function formPairs(request: FastifyRequest): [string, string][] {
  if (!formMethods.has(request.method) || !Buffer.isBuffer(request.body)) return [];
  const type = contentTypeOf(request)?.split(";", 1)[0]?.trim().toLowerCase();
  return type === formType ? parseQueryString(request.body.toString("utf8")) : [];
}
