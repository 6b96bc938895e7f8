import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { Icon } from "../app/icons.tsx";
import { askCounts, stepsOf } from "../api/overview.ts";
import { askVolume, type Volume } from "../api/questions.ts";
import { rangeNow } from "../explore/address.ts";
import { RangePicker } from "../explore/range-picker.tsx";
import { tenant, token } from "../state/access.ts";
import { formatBytes, formatCount } from "../state/format.ts";
import { askAgain, change, visit } from "../state/location.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import { niceStep } from "../state/time-range.ts";
import { Answered } from "./answered.tsx";
import { type LevelRows, levelRows } from "./level-rows.ts";
import "./overview.css";
import {
  exploreAddress,
  rangeKey,
  search,
  selectorOfService,
  selectorOfServices,
  service,
  serviceAddress,
} from "./overview-place.ts";
import { ServiceDetail } from "./service-detail.tsx";
import { Sparkline } from "./sparkline.tsx";
import { useAnswer } from "./use-answer.ts";

/** Services are asked for up to this number, by volume. */
const servicesMax = 1_000;
/** So many of them are drawn over time, and shown at once. */
const shownFirst = 25;
const sparkSteps = 48;

/** What logs, how much and how loudly, without a query: services, then one service. */
export function OverviewView(): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  useShortcuts([
    {
      keys: "/",
      does: "Find a service",
      run: () => host.current?.querySelector<HTMLElement>("input[type=search]")?.focus(),
    },
    { keys: "r", does: "Ask again", run: askAgain },
  ]);
  return (
    <div class="overview" ref={host}>
      {service.value === "" ? (
        <Services />
      ) : (
        <ServiceDetail key={service.value} name={service.value} />
      )}
    </div>
  );
}

function Services(): JSX.Element {
  const key = `${rangeKey()} ${visit.value} ${tenant.value} ${token.value}`;
  const services = useAnswer(key, (signal) =>
    askVolume({
      selector: "{}",
      range: rangeNow(),
      targetLabel: "service_name",
      limit: servicesMax,
      signal,
    }),
  );
  const wanted = search.value.toLowerCase();
  const found = services.value?.filter(({ value }) => value.toLowerCase().includes(wanted));
  return (
    <>
      <div class="overview-head">
        <h1>Services</h1>
        <label class="overview-search">
          <Icon name="search" />
          <input
            type="search"
            class="field"
            placeholder="Find a service"
            aria-label="Find a service"
            value={search.value}
            onInput={(event) => change({ find: event.currentTarget.value }, "replace")}
          />
        </label>
        <span class="toolbar-space" />
        <RangePicker />
      </div>
      <Answered
        answer={{ ...services, value: found }}
        empty={wanted === "" ? "No service has logged in this time." : "No service has this name."}
      >
        {(list) => <ServiceTable services={list} questionKey={key} />}
      </Answered>
    </>
  );
}

interface ServiceTableProps {
  readonly services: readonly Volume[];
  readonly questionKey: string;
}

function ServiceTable({ services, questionKey }: ServiceTableProps): JSX.Element {
  const shownMax = useSignal(shownFirst);
  const shown = services.slice(0, shownMax.value);
  const names = shown.map(({ value }) => value);
  const counts = useAnswer(`${questionKey} ${names.join(",")}`, (signal) =>
    countsOf(names, signal),
  );
  const largest = Math.max(1, services[0]?.bytes ?? 0);
  return (
    <section class="panel service-table" aria-label="Services by volume">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">Lines by level</th>
            <th scope="col" class="number">
              Lines
            </th>
            <th scope="col" class="number">
              Errors
            </th>
            <th scope="col" class="number">
              Volume
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ value, bytes }) => (
            <ServiceRow
              key={value}
              name={value}
              bytes={bytes}
              share={bytes / largest}
              levels={counts.value?.get(value)}
            />
          ))}
        </tbody>
      </table>
      {services.length > shown.length && (
        <p class="lines-edge">
          <button type="button" class="link-button" onClick={() => (shownMax.value += shownFirst)}>
            Show more of {formatCount(services.length)}
          </button>
        </p>
      )}
    </section>
  );
}

async function countsOf(
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LevelRows>> {
  const range = rangeNow();
  const stepSeconds = niceStep(range, sparkSteps);
  const series = await askCounts({
    selector: selectorOfServices(names),
    by: ["service_name", "detected_level"],
    range,
    stepSeconds,
    signal,
  });
  const steps = stepsOf(range, stepSeconds);
  return new Map(
    names.map((name) => [
      name,
      levelRows(
        series.filter(({ metric }) => metric["service_name"] === name),
        steps,
      ),
    ]),
  );
}

interface ServiceRowProps {
  readonly name: string;
  readonly bytes: number;
  /** Of the largest service. */
  readonly share: number;
  readonly levels: LevelRows | undefined;
}

function ServiceRow({ name, bytes, share, levels }: ServiceRowProps): JSX.Element {
  const selector = selectorOfService(name);
  const loud = (levels?.rows ?? []).filter(({ level }) => /^(?:critical|error)$/.test(level));
  const errors = loud.reduce((sum, { total }) => sum + total, 0);
  return (
    <tr>
      <th scope="row">
        <a href={exploreAddress(selector)} title="Its lines in Explore">
          {name === "" ? "(no name)" : name}
        </a>
        <a class="service-detail-link" href={serviceAddress(name)}>
          Patterns and fields<span class="off-screen"> of {name}</span>
        </a>
      </th>
      <td class="spark-cell">
        {levels !== undefined && (
          <Sparkline
            label={`Lines of ${name} by level: ${levels.rows.map(({ level, total }) => `${level} ${total}`).join(", ")}`}
            rows={levels.rows}
          />
        )}
      </td>
      <td class="number">{levels === undefined ? "" : formatCount(levels.total)}</td>
      <td class="number">
        {errors > 0 && (
          <a
            class="error-count"
            href={exploreAddress(`${selector} | detected_level=~"error|critical|fatal"`)}
            aria-label={`${errors} errors of ${name}`}
          >
            {formatCount(errors)}
          </a>
        )}
      </td>
      <td class="number volume-cell">
        {formatBytes(bytes)}
        <i style={{ width: `${Math.max(1, share * 100)}%` }} aria-hidden="true" />
      </td>
    </tr>
  );
}
