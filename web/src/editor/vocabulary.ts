// The words of LogQL that the editor offers, each with what it does. `#{…}` marks what to fill in.

export interface Word {
  readonly label: string;
  readonly detail: string;
  /** What is inserted, with places to fill in; the label itself when missing. */
  readonly snippet?: string;
}

export const stages: readonly Word[] = [
  { label: "json", detail: "parse JSON into labels" },
  { label: "logfmt", detail: "parse key=value into labels" },
  { label: "pattern", detail: "parse by a pattern", snippet: 'pattern "<#{_}> #{}"' },
  { label: "regexp", detail: "parse by named groups", snippet: 'regexp "(?P<#{name}>\\\\w+)"' },
  { label: "unpack", detail: "undo Promtail's pack" },
  { label: "line_format", detail: "write the line anew", snippet: 'line_format "{{.#{field}}}"' },
  { label: "label_format", detail: "rename or make labels", snippet: "label_format #{new}=#{old}" },
  { label: "drop", detail: "leave labels out", snippet: "drop #{label}" },
  { label: "keep", detail: "keep only these labels", snippet: "keep #{label}" },
  { label: "decolorize", detail: "remove ANSI colours" },
  { label: "unwrap", detail: "use a label as the value", snippet: "unwrap #{field}" },
  { label: "sort by", detail: "order the answer", snippet: "sort by #{field} desc" },
  { label: "limit", detail: "the first entries only", snippet: "limit #{20}" },
  { label: "distinct by", detail: "one entry a value", snippet: "distinct by #{field}" },
];

export const lineFilters: readonly Word[] = [
  { label: '|= "…"', detail: "line contains", snippet: '|= "#{text}"' },
  { label: '!= "…"', detail: "line does not contain", snippet: '!= "#{text}"' },
  { label: '|~ "…"', detail: "line matches a regular expression", snippet: '|~ "#{regex}"' },
  { label: '!~ "…"', detail: "line does not match", snippet: '!~ "#{regex}"' },
];

const overRange = (label: string, detail: string): Word => ({
  label,
  detail,
  snippet: `${label}({#{}}[#{5m}])`,
});
const unwrapped = (label: string, detail: string): Word => ({
  label,
  detail,
  snippet: `${label}({#{}} | unwrap #{field} [#{5m}])`,
});
const aggregation = (label: string, detail: string): Word => ({
  label,
  detail,
  snippet: `${label} by (#{label}) (#{})`,
});

export const functions: readonly Word[] = [
  overRange("count_over_time", "entries in the window"),
  overRange("rate", "entries a second"),
  overRange("bytes_over_time", "bytes in the window"),
  overRange("bytes_rate", "bytes a second"),
  overRange("absent_over_time", "1 when there is nothing"),
  unwrapped("sum_over_time", "sum of values"),
  unwrapped("avg_over_time", "average of values"),
  unwrapped("min_over_time", "smallest value"),
  unwrapped("max_over_time", "largest value"),
  unwrapped("stddev_over_time", "standard deviation"),
  unwrapped("stdvar_over_time", "variance"),
  unwrapped("first_over_time", "first value"),
  unwrapped("last_over_time", "last value"),
  unwrapped("rate_counter", "rate of a counter"),
  {
    label: "quantile_over_time",
    detail: "quantile of values",
    snippet: "quantile_over_time(#{0.95}, {#{}} | unwrap #{field} [#{5m}])",
  },
  {
    label: "count_distinct_over_time",
    detail: "distinct values of a label",
    snippet: "count_distinct_over_time(#{label}, {#{}}[#{5m}])",
  },
  aggregation("sum", "sum of series"),
  aggregation("avg", "average of series"),
  aggregation("min", "smallest series"),
  aggregation("max", "largest series"),
  aggregation("count", "how many series"),
  aggregation("stddev", "standard deviation of series"),
  aggregation("stdvar", "variance of series"),
  { label: "topk", detail: "largest series", snippet: "topk(#{10}, #{})" },
  { label: "bottomk", detail: "smallest series", snippet: "bottomk(#{10}, #{})" },
  { label: "approx_topk", detail: "largest series, estimated", snippet: "approx_topk(#{10}, #{})" },
  { label: "sort", detail: "order by value", snippet: "sort(#{})" },
  { label: "sort_desc", detail: "order by value, largest first", snippet: "sort_desc(#{})" },
  { label: "vector", detail: "a constant", snippet: "vector(#{1})" },
  {
    label: "label_replace",
    detail: "make a label by a regular expression",
    snippet: 'label_replace(#{}, "#{new}", "#{$1}", "#{old}", "#{(.*)}")',
  },
];

export const ranges: readonly string[] = ["1m", "5m", "10m", "15m", "30m", "1h", "6h", "12h", "1d"];
export const matcherOperators: readonly Word[] = [
  { label: "=", detail: "equals", snippet: '="#{}"' },
  { label: "!=", detail: "differs", snippet: '!="#{}"' },
  { label: "=~", detail: "matches", snippet: '=~"#{}"' },
  { label: "!~", detail: "does not match", snippet: '!~"#{}"' },
];
