// Whose logs are asked for, and by which right.
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { parameter } from "./location.ts";

/** X-Scope-OrgID; several joined by `|`. It is in the address, so that a link leads to the same logs. */
export const tenant: ReadonlySignal<string> = parameter("tenant");

const tokenKey = "skald.token";

function storedToken(): string {
  try {
    return sessionStorage.getItem(tokenKey) ?? "";
  } catch {
    return "";
  }
}

/** A bearer token, kept as long as the tab; never in the address. */
export const token: Signal<string> = signal(storedToken());

export function keepToken(value: string): void {
  token.value = value;
  try {
    if (value === "") sessionStorage.removeItem(tokenKey);
    else sessionStorage.setItem(tokenKey, value);
  } catch {
    // Forbidden: it lives as long as the page.
  }
}

/** What the server asked for when it last refused: set by the API client, shown by the header. */
export const wanted: Signal<"nothing" | "tenant" | "token"> = signal("nothing");

/** The headers of every request to the API. */
export const accessHeaders: ReadonlySignal<Readonly<Record<string, string>>> = computed(() => ({
  ...(tenant.value === "" ? {} : { "X-Scope-OrgID": tenant.value }),
  ...(token.value === "" ? {} : { Authorization: `Bearer ${token.value}` }),
}));
