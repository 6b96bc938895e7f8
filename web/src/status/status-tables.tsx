import type { JSX } from "preact";
import { formatAgo } from "../lines/ago.ts";
import { formatBytes, formatCount, formatSeconds, formatValue } from "../state/format.ts";
import { addressOf } from "../state/location.ts";
import type { Moment } from "./metrics-history.ts";
import { ratesOf } from "./metrics-history.ts";
import type { Metrics } from "./metrics-text.ts";
import type { BackgroundTask, SlowQuery } from "./status-facts.ts";

function Head({ names }: { readonly names: readonly string[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th scope="col" key={name} class={name.startsWith("#") ? "number" : undefined}>
            {name.replace("#", "")}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** More tenants than this are left to a dashboard. */
const tenantsMax = 50;

export function TenantTable({ list }: { readonly list: readonly Moment[] }): JSX.Element {
  const metrics = list.at(-1)!.metrics;
  const name = "loki_distributor_bytes_received_total";
  const bytes = [...metrics.sumBy(name, "tenant")].sort((a, b) => b[1] - a[1]);
  const lines = metrics.sumBy("loki_distributor_lines_received_total", "tenant");
  const refused = metrics.sumBy("loki_discarded_samples_total", "tenant");
  if (bytes.length === 0) return <p class="soft overview-empty">Nothing was sent yet.</p>;
  return (
    <table class="table">
      <Head names={["Tenant", "#Now", "#Received", "#Lines", "#Refused lines"]} />
      <tbody>
        {bytes.slice(0, tenantsMax).map(([tenant, total]) => (
          <tr key={tenant}>
            <th scope="row">{tenant}</th>
            <td class="number">
              {formatBytes(ratesOf(list, (one) => one.sum(name, { tenant })).at(-1) ?? 0)}/s
            </td>
            <td class="number">{formatBytes(total)}</td>
            <td class="number">{formatCount(lines.get(tenant) ?? 0)}</td>
            <td class="number">{formatCount(refused.get(tenant) ?? 0)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function StoreTable({ metrics }: { readonly metrics: Metrics }): JSX.Element {
  const requests = "skald_object_store_requests_total";
  const stores = [...metrics.sumBy(requests, "store").keys()];
  if (stores.length === 0) return <p class="soft overview-empty">No object store was asked yet.</p>;
  return (
    <table class="table">
      <Head names={["Store", "State", "#Requests", "#Failed", "#Average", "#Read", "#Written"]} />
      <tbody>
        {stores.map((store) => {
          const isUp = metrics.sum("skald_object_store_up", { store }) !== 0;
          const count = metrics.sum("skald_object_store_request_seconds_count", { store }) ?? 0;
          const seconds = metrics.sum("skald_object_store_request_seconds_sum", { store }) ?? 0;
          const all = metrics.sum(requests, { store }) ?? 0;
          const ok = metrics.sum(requests, { store, outcome: "ok" }) ?? 0;
          const missing = metrics.sum(requests, { store, outcome: "missing" }) ?? 0;
          return (
            <tr key={store}>
              <th scope="row">{store}</th>
              <td>
                <State isGood={isUp} text={isUp ? "answers" : "does not answer"} />
              </td>
              <td class="number">{formatCount(all)}</td>
              <td class="number">{formatCount(all - ok - missing)}</td>
              <td class="number">{count === 0 ? "–" : formatSeconds(seconds / count)}</td>
              <td class="number">
                {formatBytes(metrics.sum("skald_object_store_read_bytes_total", { store }) ?? 0)}
              </td>
              <td class="number">
                {formatBytes(metrics.sum("skald_object_store_written_bytes_total", { store }) ?? 0)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

export function State({ isGood, text }: { readonly isGood: boolean; readonly text: string }) {
  return (
    <span class={isGood ? "state good" : "state bad"}>
      <i aria-hidden="true" /> {text}
    </span>
  );
}

export function TaskRows({ tasks }: { readonly tasks: readonly BackgroundTask[] }): JSX.Element {
  return (
    <table class="table">
      <Head names={["Task", "State", "#Queued", "Last success", "Next run", "Details"]} />
      <tbody>
        {tasks.map((task) => (
          <tr key={task.name}>
            <th scope="row" title={task.about}>
              {task.name}
            </th>
            <td>
              <State isGood={task.last_failure_reason === undefined} text={task.state} />
            </td>
            <td class="number">{formatCount(task.queued)}</td>
            <td>{agoText(task.last_success)}</td>
            <td>{agoText(task.next_run)}</td>
            <td class="task-details">
              {task.last_failure_reason !== undefined && (
                <p class="task-failure">
                  Failed {agoText(task.last_failure)}: {task.last_failure_reason}
                </p>
              )}
              {Object.entries(task.detail ?? {})
                .filter(([, value]) => value !== 0)
                .map(([name, value]) => (
                  <span key={name}>
                    {wordsOf(name)} <b>{detailText(name, value)}</b>
                  </span>
                ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function detailText(name: string, value: number | string): string {
  if (typeof value === "string") return value;
  return /bytes/i.test(name) ? formatBytes(value) : formatValue(value);
}

function agoText(time: string | undefined): string {
  return time === undefined ? "–" : formatAgo(Date.now() - Date.parse(time));
}

export function SlowRows({ queries }: { readonly queries: readonly SlowQuery[] }): JSX.Element {
  return (
    <table class="table slow-table">
      <Head names={["#Time", "#Waited", "Query", "Tenant", "#Searched", "#Lines", "When"]} />
      <tbody>
        {queries.map((one) => (
          <tr key={`${one.at} ${one.query}`}>
            <td class="number">{formatSeconds(one.seconds)}</td>
            <td class="number">{formatSeconds(one.queue_seconds)}</td>
            <td class="slow-query">
              <a href={addressOf("explore", { q: one.query, panel: "explain" })}>{one.query}</a>
              {one.error !== undefined && <p class="task-failure">{one.error}</p>}
            </td>
            <td>{one.tenant}</td>
            <td class="number">{formatBytes(one.bytes)}</td>
            <td class="number">{formatCount(one.lines)}</td>
            <td>{agoText(one.at)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
