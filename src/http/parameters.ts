import { RequestError } from "#base";
import type { FastifyRequest } from "fastify";

const formType = "application/x-www-form-urlencoded";

/**
 * The parameters of a request: of a POST form the body's come before the URL's, as Go's `Request.Form` has them. Names are
 * case-sensitive; the first value of a name counts.
 */
export class Parameters {
  readonly #values: URLSearchParams;

  constructor(values: URLSearchParams) {
    this.#values = values;
  }

  /** The empty string when missing: an empty parameter counts as none. */
  get(name: string): string {
    return this.#values.get(name) ?? "";
  }

  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** A whole number; `fallback` when missing. Throws RequestError 400 with Go's words. */
  integer(name: string, fallback: number): number {
    const text = this.get(name);
    if (text === "") return fallback;
    if (!/^[+-]?\d{1,18}$/.test(text)) {
      throw new RequestError(400, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    return Number(text);
  }
}

export function parametersOf(request: FastifyRequest): Parameters {
  const url = new URLSearchParams(request.raw.url?.split("?").slice(1).join("?") ?? "");
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  const isForm = ["POST", "PUT", "PATCH"].includes(request.method) && type === formType;
  if (!isForm || !Buffer.isBuffer(request.body)) return new Parameters(url);
  const values = new URLSearchParams(request.body.toString("utf8"));
  for (const [name, value] of url) values.append(name, value);
  return new Parameters(values);
}
