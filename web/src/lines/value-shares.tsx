import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { reasonOf } from "../api/client.ts";
import { askInstant } from "../api/questions.ts";
import { rangeNow } from "../explore/address.ts";
import { countOf, isLogQuery, parsersIn, withStage } from "../logql/query-text.ts";
import { formatCount } from "../state/format.ts";
import type { Distribution, ValueShare } from "./distribution.ts";
import type { FieldFilter } from "./edit-query.ts";

interface ValueSharesProps {
  readonly name: string;
  readonly kind: FieldFilter["kind"];
  readonly query: string;
  /** Over the loaded lines. */
  readonly spread: Distribution;
  readonly onFilterIn: (filter: FieldFilter) => void;
}

const topMax = 6;

interface Counted {
  readonly top: readonly ValueShare[];
  readonly total: number;
}

/** The most frequent values of a name: in the loaded lines, and when asked in the whole range. */
export function ValueShares(props: ValueSharesProps): JSX.Element {
  const { name, kind, query, spread, onFilterIn } = props;
  const counted = useSignal<Counted | undefined>(undefined);
  const state = useSignal("");
  const all = async (): Promise<void> => {
    state.value = "busy";
    try {
      counted.value = await countAll({ name, kind, query });
      state.value = "";
    } catch (error) {
      state.value = reasonOf(error);
    }
  };
  const { top, total } = counted.value ?? { top: spread.top, total: spread.total };
  return (
    <div class="value-shares" role="group" aria-label={`Most frequent values of ${name}`}>
      <p class="soft">
        {counted.value === undefined
          ? `${formatCount(spread.distinct)} values in ${formatCount(spread.present)} of ${formatCount(spread.total)} loaded lines`
          : `The most frequent in ${formatCount(total)} lines of the whole range`}{" "}
        {counted.value === undefined && isLogQuery(query) && (
          <button
            type="button"
            class="link-button"
            disabled={state.value === "busy"}
            onClick={() => void all()}
          >
            {state.value === "busy" ? "Counting …" : "Count the whole range"}
          </button>
        )}
      </p>
      {state.value !== "" && state.value !== "busy" && (
        <p class="note failure" role="alert">
          {state.value}
        </p>
      )}
      {top.map(({ value, count }) => (
        <button
          type="button"
          class="value-share"
          key={value}
          title="Only lines with this value"
          onClick={() => onFilterIn({ name, value, kind })}
        >
          <span class="value-share-name">{value === "" ? "(none)" : value}</span>
          <span class="value-share-bar" aria-hidden="true">
            <i style={{ width: `${(100 * count) / Math.max(1, total)}%` }} />
          </span>
          <span class="soft">
            {formatCount(count)} · {Math.round((100 * count) / Math.max(1, total))} %
          </span>
        </button>
      ))}
    </div>
  );
}

interface Wanted {
  readonly name: string;
  readonly kind: FieldFilter["kind"];
  readonly query: string;
}

async function countAll({ name, kind, query }: Wanted): Promise<Counted> {
  const { fromMs, toMs } = rangeNow();
  const inLine = kind === "json" || kind === "logfmt";
  const parsed = inLine && !parsersIn(query).includes(kind) ? withStage(query, `| ${kind}`) : query;
  const seconds = Math.max(1, Math.ceil((toMs - fromMs) / 1000));
  const counts = countOf(parsed, seconds);
  const { data } = await askInstant(`topk(${topMax}, sum by (${name}) (${counts}))`, toMs);
  const sum = await askInstant(`sum(${counts})`, toMs);
  const total = sum.data.resultType === "vector" ? Number(sum.data.result[0]?.value?.[1] ?? 0) : 0;
  const series = data.resultType === "vector" ? data.result : [];
  const top = series.map(({ metric, value }) => ({
    value: metric[name] ?? "",
    count: Number(value?.[1] ?? 0),
  }));
  return { top: top.sort((a, b) => b.count - a.count), total };
}
