import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { reasonOf } from "../api/client.ts";
import { login } from "./session.ts";
import "./login.css";

/** Asks who somebody is: a token, or a name and a password. */
export function LoginForm(): JSX.Element {
  const host = useRef<HTMLFormElement>(null);
  const kind = useSignal<"token" | "password">("token");
  const failure = useSignal("");
  const isBusy = useSignal(false);
  useEffect(() => host.current?.querySelector("input")?.focus(), [kind.value]);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const fields = new FormData(form);
    const text = (name: string): string => {
      const value = fields.get(name);
      return typeof value === "string" ? value : "";
    };
    const credentials =
      kind.value === "token"
        ? { token: text("token").trim() }
        : { name: text("username"), password: text("password") };
    isBusy.value = true;
    try {
      await login(credentials);
    } catch (error) {
      failure.value = reasonOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <section class="login panel" aria-label="Log in">
      <h1>Log in</h1>
      <p class="soft">The logs of this server are kept for those who may read them.</p>
      <form
        ref={host}
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        {kind.value === "token" ? <TokenField /> : <PasswordFields />}
        {failure.value !== "" && (
          <p class="note failure" role="alert">
            {failure.value}
          </p>
        )}
        <button type="submit" class="button primary" disabled={isBusy.value}>
          Log in
        </button>
      </form>
      <button
        type="button"
        class="link-button"
        onClick={() => (kind.value = kind.value === "token" ? "password" : "token")}
      >
        {kind.value === "token" ? "With a name and a password" : "With a token"}
      </button>
    </section>
  );
}

function TokenField(): JSX.Element {
  return (
    <label>
      Token
      <input class="field" type="password" name="token" autocomplete="off" required />
    </label>
  );
}

function PasswordFields(): JSX.Element {
  return (
    <>
      <label>
        Name
        <input class="field" type="text" name="username" autocomplete="username" required />
      </label>
      <label>
        Password
        <input
          class="field"
          type="password"
          name="password"
          autocomplete="current-password"
          required
        />
      </label>
    </>
  );
}
