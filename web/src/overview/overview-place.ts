// What the overview shows, in the address.
import { addressOf, parameter } from "../state/location.ts";
import { quote } from "../logql/query-text.ts";
import { rangeDefault } from "../state/time-range.ts";

export const service = parameter("service");
export const search = parameter("find");
const from = parameter("from", rangeDefault.from);
const to = parameter("to", rangeDefault.to);

/** Changes with the range; a key for questions. */
export function rangeKey(): string {
  return `${from.value} ${to.value}`;
}

export function exploreAddress(query: string): string {
  return addressOf("explore", { q: query, from: from.value, to: to.value });
}

export function serviceAddress(name: string): string {
  return addressOf("overview", { service: name, from: from.value, to: to.value });
}

export function overviewAddress(): string {
  return addressOf("overview", { from: from.value, to: to.value });
}

export function selectorOfService(name: string): string {
  return `{service_name=${quote(name)}}`;
}

/** `{service_name=~"a|b"}` */
export function selectorOfServices(names: readonly string[]): string {
  const escaped = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return `{service_name=~${quote(escaped.join("|"))}}`;
}
