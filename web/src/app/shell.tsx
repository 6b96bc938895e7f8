import { ContextDrawer } from "../lines/context-drawer.tsx";
import { Account } from "../login/account.tsx";
import { LoginForm } from "../login/login-form.tsx";
import { isLoginNeeded } from "../login/session.ts";
import { addressOf, open, place } from "../state/location.ts";
import { isHelpOpen, useShortcuts } from "../state/shortcuts.ts";
import { dismiss, toasts } from "../state/toasts.ts";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ErrorBoundary } from "./error-boundary.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import { Icon } from "./icons.tsx";
import iconUrl from "./icon.svg";
import "./shell.css";
import { ThemeButton } from "./theme-button.tsx";
import { views } from "./views.ts";

/** The frame around every view: header, the view of the address, notes, help. */
export function Shell(): JSX.Element {
  const { view: name } = place.value;
  const view = views.find((one) => one.name === name) ?? views[0];
  useEffect(() => {
    document.title = `${view.title} · Skald`;
  }, [view]);
  useShortcuts([
    { keys: "?", does: "Show these keys", run: () => (isHelpOpen.value = true) },
    ...views.map(({ name: target, title, key }) => ({
      keys: `g ${key}`,
      does: `Go to ${title}`,
      run: () => open(target),
    })),
  ]);
  const View = view.component;
  return (
    <div class="shell">
      <a class="button skip-link" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <Header current={view.name} />
      <main id="main" tabIndex={-1}>
        <ErrorBoundary key={view.name}>{isLoginNeeded() ? <LoginForm /> : <View />}</ErrorBoundary>
      </main>
      <ContextDrawer />
      <HelpDialog />
      <Toasts />
    </div>
  );
}

/** The fragment of the address belongs to the views, so the link may not change it. */
function focusMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Header({ current }: { readonly current: string }): JSX.Element {
  return (
    <header class="header">
      <a class="brand" href={addressOf("explore")} aria-label="Skald, start page">
        <img src={iconUrl} alt="" />
        <span>Skald</span>
      </a>
      <nav aria-label="Views">
        {views.map(({ name, title }) => (
          <a key={name} href={addressOf(name)} aria-current={name === current ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <div class="right">
        <Account />
        <ThemeButton />
        <button
          type="button"
          class="button icon quiet"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={() => (isHelpOpen.value = true)}
        >
          <Icon name="help" />
        </button>
      </div>
    </header>
  );
}

function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, kind }) => (
        <button type="button" key={id} class={`note ${kind}`} onClick={() => dismiss(id)}>
          {text}
        </button>
      ))}
    </div>
  );
}
