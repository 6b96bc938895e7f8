import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { isAbort, reasonOf } from "../api/client.ts";
import { askVolume, type Volume } from "../api/questions.ts";
import { formatBytes } from "../state/format.ts";
import { addressOf, parameter, visit } from "../state/location.ts";
import { rangeDefault, resolveRange } from "../state/time-range.ts";
import "./overview.css";

const servicesMax = 200;
const from = parameter("from", rangeDefault.from);
const to = parameter("to", rangeDefault.to);

/** Services by how much they log, each one click from its lines. */
export function OverviewView(): JSX.Element {
  const services = useSignal<readonly Volume[] | undefined>(undefined);
  const failure = useSignal("");
  const key = `${from.value} ${to.value} ${visit.value}`;
  useEffect(() => {
    const gone = new AbortController();
    const range = resolveRange({ from: from.value, to: to.value }, Date.now());
    askVolume({
      selector: "{}",
      range,
      targetLabel: "service_name",
      limit: servicesMax,
      signal: gone.signal,
    }).then(
      (volumes) => {
        services.value = volumes;
        failure.value = "";
      },
      (error: unknown) => {
        if (!isAbort(error)) failure.value = reasonOf(error);
      },
    );
    return () => gone.abort();
  }, [key]);
  return (
    <div class="overview">
      <h1>Services</h1>
      {failure.value !== "" && (
        <p class="note failure" role="alert">
          {failure.value}
        </p>
      )}
      {services.value?.length === 0 && <p class="soft">No service has logged in this time.</p>}
      {services.value !== undefined && services.value.length > 0 && (
        <ServiceTable services={services.value} />
      )}
    </div>
  );
}

function ServiceTable({ services }: { readonly services: readonly Volume[] }): JSX.Element {
  return (
    <table class="table panel">
      <thead>
        <tr>
          <th scope="col">Service</th>
          <th scope="col" class="number">
            Volume
          </th>
        </tr>
      </thead>
      <tbody>
        {services.map(({ value, bytes }) => (
          <tr key={value}>
            <td>
              <a
                href={addressOf("explore", {
                  q: `{service_name=${JSON.stringify(value)}}`,
                  from: from.value,
                  to: to.value,
                })}
              >
                {value}
              </a>
            </td>
            <td class="number">{formatBytes(bytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
