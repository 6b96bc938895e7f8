// Who this browser is logged in as. The secret is a cookie that no script can read; this is what the
// server tells of it.
import { effect, type Signal, signal } from "@preact/signals";
import { ApiError, askJson, send } from "../api/client.ts";
import { tenant, token, wanted } from "../state/access.ts";
import { askAgain, change } from "../state/location.ts";

export interface Session {
  /** Tenants are kept apart. */
  readonly auth_enabled: boolean;
  /** Without logging in nothing is to be seen. */
  readonly login_needed: boolean;
  readonly signed_in: boolean;
  readonly multi_tenant?: boolean;
  readonly name?: string;
  /** That may be asked for; `*`: any. */
  readonly tenants?: readonly string[] | "*";
  readonly rights?: readonly string[];
}

/** Undefined until it is known, and with a server that knows no sessions. */
export const session: Signal<Session | undefined> = signal(undefined);

/** Whether the form is to be shown instead of the view. */
export function isLoginNeeded(): boolean {
  const known = session.value;
  return known !== undefined && known.login_needed && !known.signed_in && token.value === "";
}

const path = "skald/api/v1";

async function refresh(): Promise<void> {
  try {
    session.value = await askJson<Session>(`${path}/session`);
  } catch (error) {
    // An older server, or none: what it refuses tells what it wants.
    if (error instanceof ApiError) session.value = undefined;
    else throw error;
  }
}

/** Whoever has several has to choose; the first is shown until then, also for a link that names none. */
function chooseTenant(): void {
  const choice = session.value?.tenants;
  if (Array.isArray(choice) && choice.length > 1 && tenant.value === "") {
    change({ tenant: choice[0] }, "replace");
  }
}

export type Credentials =
  | { readonly token: string }
  | { readonly name: string; readonly password: string };

/** Rejects with ApiError in the server's words. */
export async function login(credentials: Credentials): Promise<void> {
  const answer = await send(`${path}/login`, credentials);
  session.value = (await answer.json()) as Session;
  wanted.value = "nothing";
  askAgain();
}

export async function logout(): Promise<void> {
  await send(`${path}/logout`, {});
  await refresh();
}

/** Asks once, and again when the server wants to know who asks; call once. */
export function followSession(): void {
  void refresh();
  effect(chooseTenant);
  effect(() => {
    if (wanted.value === "token") void refresh();
  });
}
