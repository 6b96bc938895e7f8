import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { isAbort, reasonOf } from "../api/client.ts";
import { Answered } from "../overview/answered.tsx";
import "../overview/overview.css";
import { useAnswer } from "../overview/use-answer.ts";
import { tenant, token } from "../state/access.ts";
import { formatBytes, formatCount, formatSeconds, formatValue } from "../state/format.ts";
import { askAgain, visit } from "../state/location.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import {
  everyMs,
  type Moment,
  moments,
  ratesOf,
  sampleMetrics,
  seriesOf,
} from "./metrics-history.ts";
import {
  askBackground,
  askBuild,
  askReadiness,
  askServices,
  askSlowQueries,
} from "./status-facts.ts";
import { SlowRows, State, StoreTable, TaskRows, TenantTable } from "./status-tables.tsx";
import { Tile } from "./tile.tsx";
import "./status.css";

/** Rates need two looks; the second comes soon, so that nobody waits for them. */
const secondLookMs = 1_000;

/** What the process does and how it feels; asks again by itself while it is seen. */
export function StatusView(): JSX.Element {
  const failure = useSignal("");
  const turn = useSignal(0);
  useEffect(() => {
    const gone = new AbortController();
    const look = (): void => {
      if (document.visibilityState !== "visible") return;
      sampleMetrics(gone.signal).then(
        () => {
          failure.value = "";
          turn.value++;
        },
        (error: unknown) => {
          if (!isAbort(error)) failure.value = reasonOf(error);
        },
      );
    };
    look();
    const second = setTimeout(look, secondLookMs);
    const timer = setInterval(look, everyMs);
    return () => {
      clearTimeout(second);
      clearInterval(timer);
      gone.abort();
    };
  }, [visit.value, tenant.value, token.value]);
  useShortcuts([{ keys: "r", does: "Ask again", run: askAgain }]);
  const list = moments.value;
  return (
    <div class="status">
      <StatusHead turn={turn.value} />
      {failure.value !== "" && (
        <p class="note failure" role="alert">
          {failure.value}
        </p>
      )}
      {list.length > 0 && <Tiles list={list} />}
      {list.length > 0 && (
        <>
          <Part title="Tenants">
            <TenantTable list={list} />
          </Part>
          <Part title="Object stores">
            <StoreTable metrics={list.at(-1)!.metrics} />
          </Part>
        </>
      )}
      <Background turn={turn.value} />
      <SlowQueries turn={turn.value} />
    </div>
  );
}

interface PartProps {
  readonly title: string;
  readonly note?: string;
  readonly children: JSX.Element;
}

function Part({ title, note, children }: PartProps): JSX.Element {
  return (
    <section class="panel status-part" aria-label={title}>
      <h2 class="panel-title">
        {title} {note !== undefined && <span class="soft">{note}</span>}
      </h2>
      <div class="status-table">{children}</div>
    </section>
  );
}

function StatusHead({ turn }: { readonly turn: number }): JSX.Element {
  const build = useAnswer(String(visit.value), askBuild);
  const ready = useAnswer(String(turn), askReadiness);
  const services = useAnswer(String(visit.value), askServices);
  return (
    <div class="overview-head">
      <h1>Status</h1>
      {ready.value !== undefined && (
        <State
          isGood={ready.value === ""}
          text={ready.value === "" ? "Ready" : `Not ready: ${ready.value}`}
        />
      )}
      {build.value !== undefined && (
        <span class="soft">
          Skald {build.value.version} · {build.value.goVersion}
        </span>
      )}
      <span class="toolbar-space" />
      <span class="status-services">
        {services.value?.map(({ name, state }) => (
          <State key={name} isGood={state === "Running"} text={name} />
        ))}
      </span>
    </div>
  );
}

function Tiles({ list }: { readonly list: readonly Moment[] }): JSX.Element {
  return (
    <dl class="tiles">
      <WriteTiles list={list} />
      <DiskTile list={list} />
      <ReadTiles list={list} />
    </dl>
  );
}

function WriteTiles({ list }: { readonly list: readonly Moment[] }): JSX.Element {
  const now = list.at(-1)!.metrics;
  const count = (name: string): number => now.sum(name) ?? 0;
  const bytes = ratesOf(list, (one) => one.sum("loki_distributor_bytes_received_total"));
  const lines = ratesOf(list, (one) => one.sum("loki_distributor_lines_received_total"));
  const heads = seriesOf(list, (one) => one.sum("skald_head_bytes"));
  const refused = count("loki_discarded_samples_total");
  const failed = count("loki_ingester_chunks_flush_failures_total");
  const commits = count("skald_journal_commit_seconds_count");
  const commitSeconds = count("skald_journal_commit_seconds_sum") / Math.max(1, commits);
  const written = formatBytes(count("skald_segment_bytes_written_total"));
  return (
    <>
      <Tile
        title="Ingestion"
        value={last(bytes, (value) => `${formatBytes(value)}/s`)}
        note={last(lines, (value) => `${formatValue(Math.round(value))} lines/s`) ?? "measuring …"}
        values={bytes}
      />
      <Tile
        title="Refused lines"
        value={formatCount(refused)}
        note="since the start"
        isBad={refused > 0}
      />
      <Tile
        title="Streams in memory"
        value={formatCount(count("loki_ingester_memory_streams"))}
        note={`${formatBytes(heads.at(-1) ?? 0)} held`}
        values={heads}
      />
      <Tile
        title="Journal"
        value={formatBytes(count("skald_journal_bytes"))}
        note={
          commits === 0 ? "nothing written yet" : `a sync takes ${formatSeconds(commitSeconds)}`
        }
        isBad={count("skald_journal_damage_count") > 0}
      />
      <Tile
        title="Segments written"
        value={formatCount(count("loki_ingester_chunks_flushed_total"))}
        note={failed > 0 ? `${formatCount(failed)} writes failed` : written}
        isBad={failed > 0}
      />
    </>
  );
}

/** Less than this free, and a day of logs or a merge may not fit. */
const freeBytesMin = 2 * 1024 ** 3;

function DiskTile({ list }: { readonly list: readonly Moment[] }): JSX.Element {
  const free = list.at(-1)!.metrics.sum("skald_data_free_bytes") ?? Number.NaN;
  return (
    <Tile
      title="Free on disk"
      value={Number.isNaN(free) ? undefined : formatBytes(free)}
      note={free < freeBytesMin ? "make room: a full disk refuses pushes" : "for journal and data"}
      isBad={free < freeBytesMin}
    />
  );
}

/** More queries than this in the queue are worth a look. */
const waitingMax = 10;

function ReadTiles({ list }: { readonly list: readonly Moment[] }): JSX.Element {
  const now = list.at(-1)!.metrics;
  const count = (name: string): number => now.sum(name) ?? 0;
  const requests = ratesOf(list, (one) => one.sum("loki_request_duration_seconds_count"));
  const cpu = ratesOf(list, (one) => one.sum("process_cpu_seconds_total"));
  const resident = seriesOf(list, (one) => one.sum("process_resident_memory_bytes"));
  const waiting = count("skald_queries_waiting_small") + count("skald_queries_waiting_large");
  const held = formatBytes(count("skald_queries_held_bytes"));
  return (
    <>
      <Tile
        title="Queries running"
        value={formatCount(count("skald_queries_running"))}
        note={`${formatCount(waiting)} waiting · ${held} held`}
        isBad={waiting > waitingMax}
      />
      <Tile
        title="Requests"
        value={last(requests, (value) => `${formatValue(Number(value.toFixed(1)))}/s`)}
        note={`${formatCount(count("loki_querier_tail_active"))} live tails`}
        values={requests}
      />
      <Tile
        title="Results remembered"
        value={formatBytes(count("skald_results_cache_memory_bytes"))}
        note={`${formatBytes(count("skald_results_cache_disk_bytes"))} on disk`}
      />
      <Tile
        title="Memory"
        value={formatBytes(resident.at(-1) ?? 0)}
        note={`loop lag ${formatSeconds(count("nodejs_eventloop_lag_p99_seconds"))} (p99)`}
        values={resident}
      />
      <Tile
        title="Processor"
        value={last(cpu, (value) => `${Math.round(value * 100)} %`)}
        note="of one core"
        values={cpu}
      />
    </>
  );
}

function last(values: readonly number[], format: (value: number) => string): string | undefined {
  const value = values.at(-1);
  return value === undefined ? undefined : format(value);
}

function Background({ turn }: { readonly turn: number }): JSX.Element {
  const tasks = useAnswer(String(turn), askBackground);
  return (
    <Part title="Background work">
      <Answered answer={tasks} empty="This process has no background work.">
        {(list) => <TaskRows tasks={list} />}
      </Answered>
    </Part>
  );
}

function SlowQueries({ turn }: { readonly turn: number }): JSX.Element {
  const queries = useAnswer(String(turn), askSlowQueries);
  return (
    <Part title="Slowest queries" note="of the last hour">
      <Answered answer={queries} empty="No query has run in the last hour.">
        {(list) => <SlowRows queries={list} />}
      </Answered>
    </Part>
  );
}
