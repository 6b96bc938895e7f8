import type { JSX } from "preact";
import { AccessFields } from "../app/access-fields.tsx";
import { reasonOf } from "../api/client.ts";
import { tenant } from "../state/access.ts";
import { askAgain, change } from "../state/location.ts";
import { say } from "../state/toasts.ts";
import { logout, session } from "./session.ts";

/** In the header: whose logs are shown, who looks at them, and how to leave. */
export function Account(): JSX.Element | null {
  const known = session.value;
  if (known?.login_needed !== true) return <AccessFields />;
  if (!known.signed_in) return null;
  const { tenants = [], name = "" } = known;
  return (
    <div class="access">
      {tenants === "*" ? <AccessFields /> : <TenantSelect tenants={tenants} />}
      <span class="account-name" title="Logged in as">
        {name}
      </span>
      <button type="button" class="button quiet" onClick={() => void leave()}>
        Log out
      </button>
    </div>
  );
}

async function leave(): Promise<void> {
  try {
    await logout();
  } catch (error) {
    say(reasonOf(error), "failure");
  }
}

function TenantSelect({ tenants }: { readonly tenants: readonly string[] }): JSX.Element | null {
  if (tenants.length < 2) return null;
  const all = tenants.join("|");
  const isMulti = session.value?.multi_tenant === true;
  return (
    <select
      class="field"
      aria-label="Tenant"
      value={tenant.value}
      onChange={(event) => {
        change({ tenant: event.currentTarget.value }, "push");
        askAgain();
      }}
    >
      {tenants.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
      {isMulti && <option value={all}>All of them</option>}
    </select>
  );
}
