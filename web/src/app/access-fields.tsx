import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { keepToken, tenant, token, wanted } from "../state/access.ts";
import { askAgain, change } from "../state/location.ts";

/** Tenant and token: shown when the server asks for them, or when one is set. */
export function AccessFields(): JSX.Element | null {
  const isTenantShown = tenant.value !== "" || wanted.value !== "nothing";
  const isTokenShown = token.value !== "" || wanted.value === "token";
  if (!isTenantShown && !isTokenShown) return null;
  return (
    <div class={wanted.value === "nothing" ? "access" : "access asked"}>
      {isTenantShown && (
        <TextSetting label="Tenant" type="text" value={tenant.value} onSet={setTenant} />
      )}
      {isTokenShown && (
        <TextSetting label="Token" type="password" value={token.value} onSet={setToken} />
      )}
    </div>
  );
}

function setTenant(value: string): void {
  change({ tenant: value }, "push");
  askAgain();
}

function setToken(value: string): void {
  keepToken(value);
  askAgain();
}

interface TextSettingProps {
  readonly label: string;
  readonly type: "text" | "password";
  readonly value: string;
  readonly onSet: (value: string) => void;
}

/** Takes effect on Enter or when it is left. */
function TextSetting({ label, type, value, onSet }: TextSettingProps): JSX.Element {
  const draft = useSignal(value);
  const set = (): void => {
    if (draft.value.trim() !== value) onSet(draft.value.trim());
  };
  const field = {
    autocomplete: "off",
    spellcheck: false,
    value: draft.value,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => {
      draft.value = event.currentTarget.value;
    },
    onBlur: set,
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        set();
      }}
    >
      <label>
        {label}{" "}
        {type === "password" ? (
          <input class="field" type="password" {...field} />
        ) : (
          <input class="field" type="text" {...field} />
        )}
      </label>
    </form>
  );
}
