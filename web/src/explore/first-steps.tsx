import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Icon } from "../app/icons.tsx";
import { apiUrl, reasonOf } from "../api/client.ts";
import { askLabelNames, askLabelValues } from "../api/questions.ts";
import type { TimeRange } from "../api/types.ts";
import { session } from "../login/session.ts";
import { tenant, token, wanted } from "../state/access.ts";
import { open, visit } from "../state/location.ts";
import { copy } from "../state/toasts.ts";
import { quote } from "../logql/query-text.ts";
import "./first-steps.css";
import { snippetsFor, tokenName } from "./snippets.ts";

/** How often the server is asked whether a line has come. */
const pollMs = 2_000;
/** Lines may carry times of their own; a week back and an hour ahead finds what was sent just now. */
const lookBackMs = 7 * 86_400_000;
const lookAheadMs = 3_600_000;

function wide(): TimeRange {
  return { fromMs: Date.now() - lookBackMs, toMs: Date.now() + lookAheadMs };
}

/** Whether there are lines, or why that is not known. */
async function hasLines(signal: AbortSignal): Promise<boolean | string> {
  try {
    return (await askLabelNames("", wide(), signal)).length > 0;
  } catch (error) {
    return reasonOf(error);
  }
}

/** What Explore shows without a query: how to send logs while there are none, else where to begin. */
export function FirstSteps(): JSX.Element | null {
  const isFilled = useSignal<boolean | undefined>(undefined);
  const failure = useSignal("");
  const services = useSignal<readonly string[]>([]);
  const wasEmpty = useSignal(false);
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      const found = await hasLines(gone.signal);
      if (gone.signal.aborted) return;
      if (found === true) {
        if (wasEmpty.value) open("explore", { q: '{service_name=~".+"}', from: "now-1h" });
        services.value = await askLabelValues("service_name", "", wide(), gone.signal).catch(
          () => [],
        );
      }
      if (found === false) wasEmpty.value = true;
      if (typeof found === "boolean") isFilled.value = found;
      failure.value = typeof found === "string" ? found : "";
      // Who is refused has to act first.
      const isRefused = failure.value !== "" && wanted.value !== "nothing";
      if (found !== true && !isRefused && !gone.signal.aborted)
        timer = setTimeout(() => void look(), pollMs);
    };
    void look();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [tenant.value, visit.value]);
  if (wanted.value !== "nothing") return <WhoAreYou />;
  if (failure.value !== "") {
    return (
      <p class="note failure" role="alert">
        {failure.value} Trying again …
      </p>
    );
  }
  if (isFilled.value === undefined) return null;
  return isFilled.value ? <WhereToBegin services={services.value} /> : <HowToSend />;
}

function WhoAreYou(): JSX.Element {
  const isTenant = wanted.value === "tenant";
  return (
    <section class="first-steps" aria-label="Access">
      <h1>{isTenant ? "Whose logs?" : "Who are you?"}</h1>
      <p class="note warning">
        {isTenant
          ? "This server keeps the logs of tenants apart. Write the name of yours (X-Scope-OrgID) at the top."
          : "This server wants a token. Write yours at the top; it is forgotten when the tab closes."}
      </p>
    </section>
  );
}

/** More are in the overview. */
const servicesMax = 24;

function WhereToBegin({ services }: { readonly services: readonly string[] }): JSX.Element {
  const begin = (query: string): void => open("explore", { q: query });
  return (
    <section class="first-steps" aria-label="Where to begin">
      <h1>Where to begin</h1>
      <p class="soft">
        Write a query above, open <b>Labels</b> to build one by clicking, or take a service:
      </p>
      <div class="first-services">
        {services.slice(0, servicesMax).map((name) => (
          <button
            type="button"
            class="button"
            key={name}
            onClick={() => begin(`{service_name=${quote(name)}}`)}
          >
            {name}
          </button>
        ))}
      </div>
      <h2>Examples</h2>
      <ul class="first-examples">
        {examples.map(([query, what]) => (
          <li key={query}>
            <button type="button" class="history-query" onClick={() => begin(query)}>
              <code>{query}</code> <span class="soft">{what}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const examples: readonly (readonly [query: string, what: string])[] = [
  ['{service_name=~".+"} | detected_level="error"', "errors of all services"],
  ['{service_name=~".+"} |= "timeout"', "lines that contain a text"],
  ['sum by (service_name) (rate({service_name=~".+"}[5m]))', "lines a second of each service"],
  ['topk(10, sum by (service_name) (bytes_over_time({service_name=~".+"}[1h])))', "who logs most"],
];

function HowToSend(): JSX.Element {
  const chosen = useSignal(0);
  const url = apiUrl("").replace(/\/$/, "");
  const needsToken = token.value !== "" || session.value?.login_needed === true;
  const snippets = snippetsFor({ url, tenant: tenant.value, needsToken });
  const snippet = snippets[chosen.value]!;
  return (
    <section class="first-steps" aria-label="Send your first logs">
      <h1>Send your first logs</h1>
      <p class="soft">
        Skald runs and holds no logs yet. It takes what every client of Loki sends; choose yours:
      </p>
      <div class="first-tabs" role="tablist" aria-label="Client">
        {snippets.map(({ title }, index) => (
          <button
            type="button"
            role="tab"
            class="button"
            key={title}
            aria-selected={index === chosen.value}
            aria-pressed={undefined}
            onClick={() => (chosen.value = index)}
          >
            {title}
          </button>
        ))}
      </div>
      <div class="first-snippet" role="tabpanel" aria-label={snippet.title}>
        <div class="panel-head">
          <span class="soft">{snippet.where}</span>
          <button type="button" class="button" onClick={() => void copy(snippet.text)}>
            <Icon name="copy" /> Copy
          </button>
        </div>
        <pre tabIndex={0}>{snippet.text}</pre>
      </div>
      {needsToken && (
        <p class="soft">
          Put a token that has the right <code>write</code> in place of <code>{tokenName}</code>;{" "}
          <code>skald token new</code> makes one.
        </p>
      )}
      <p class="first-waiting" role="status">
        <i aria-hidden="true" /> Waiting for the first line …
      </p>
    </section>
  );
}
