import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { Icon, type IconName } from "../app/icons.tsx";
import { place } from "../state/location.ts";
import { copy } from "../state/toasts.ts";
import { columns, toggleColumn, valueOf } from "./display.ts";
import { distributionOf } from "./distribution.ts";
import { type FieldFilter, withFieldFilter } from "./edit-query.ts";
import type { Entry } from "./entry.ts";
import { lineFields } from "./line-fields.ts";
import { permalinkOf } from "./permalink.ts";
import { ValueShares } from "./value-shares.tsx";
import "./line-details.css";

export interface LineDetailsProps {
  readonly entry: Entry;
  /** All that are loaded, for distributions. */
  readonly entries: readonly Entry[];
  readonly query: string;
  /** Opens the query that a filter leads to. */
  readonly onQuery: (query: string) => void;
  /** Missing where its context is shown already. */
  readonly onContext?: () => void;
}

interface Group {
  readonly title: string;
  readonly kind: FieldFilter["kind"];
  readonly pairs: readonly (readonly [string, string])[];
}

/** What is known of an entry, each value with what can be done with it. */
export function LineDetails(props: LineDetailsProps): JSX.Element {
  const { entry } = props;
  const groups = useMemo(() => groupsOf(entry), [entry]);
  return (
    <div class="line-details">
      <div class="line-actions">
        {props.onContext !== undefined && (
          <button type="button" class="button" onClick={props.onContext}>
            <Icon name="context" /> Context
          </button>
        )}
        <button type="button" class="button" onClick={() => void copy(entry.line, "Line copied")}>
          <Icon name="copy" /> Copy line
        </button>
        <button
          type="button"
          class="button"
          onClick={() => void copy(permalinkOf(entry, place.peek()), "Link copied")}
        >
          <Icon name="link" /> Link to this line
        </button>
      </div>
      {groups.map((group) => (
        <section key={group.title} aria-label={group.title}>
          <h3>{group.title}</h3>
          {group.pairs.map(([name, value]) => (
            <Field key={name} {...props} field={{ name, value, kind: group.kind }} />
          ))}
        </section>
      ))}
    </div>
  );
}

function groupsOf(entry: Entry): Group[] {
  const sorted = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const groups: Group[] = [
    { title: "Labels", kind: "label", pairs: sorted(entry.labels) },
    { title: "Structured metadata", kind: "metadata", pairs: sorted(entry.metadata) },
    { title: "Parsed fields", kind: "parsed", pairs: sorted(entry.parsed) },
  ];
  if (groups[2]!.pairs.length === 0) {
    const found = lineFields(entry.line);
    if (found !== undefined) {
      const title = `Fields in the line (${found.kind === "json" ? "JSON" : "logfmt"})`;
      groups.push({ title, kind: found.kind, pairs: found.fields });
    }
  }
  return groups.filter(({ pairs }) => pairs.length > 0);
}

function Field(props: LineDetailsProps & { readonly field: FieldFilter }): JSX.Element {
  const { field, entries, query, onQuery } = props;
  const filter = (operator: "=" | "!=", wanted: FieldFilter): void =>
    onQuery(withFieldFilter(query, wanted, operator));
  const { name, value, kind } = field;
  const isSpread = useSignal(false);
  const isColumn = columns.value.includes(name);
  const inLine = kind === "json" || kind === "logfmt";
  return (
    <div class="line-field">
      <span class="line-field-actions" role="group" aria-label={`${name} = ${value}`}>
        <Action
          icon="plus"
          title={`Only lines with this ${name}`}
          onDo={() => filter("=", field)}
        />
        <Action
          icon="minus"
          title={`No lines with this ${name}`}
          onDo={() => filter("!=", field)}
        />
        {!inLine && (
          <Action
            icon="columns"
            title={`Show ${name} as a column`}
            isOn={isColumn}
            onDo={() => toggleColumn(name)}
          />
        )}
        <Action
          icon="chart"
          title={`Values of ${name}`}
          isOn={isSpread.value}
          onDo={() => (isSpread.value = !isSpread.value)}
        />
        <Action icon="copy" title={`Copy the value of ${name}`} onDo={() => void copy(value)} />
      </span>
      <span class="line-field-name">{name}</span>
      <span class="line-field-value">{value === "" ? <i>empty</i> : value}</span>
      {isSpread.value && (
        <ValueShares
          name={name}
          query={query}
          kind={kind}
          spread={distributionOf(entries, name, inLine ? valueInLine : valueOf)}
          onFilterIn={(wanted) => filter("=", wanted)}
        />
      )}
    </div>
  );
}

function valueInLine(entry: Entry, name: string): string | undefined {
  return lineFields(entry.line)?.fields.find(([one]) => one === name)?.[1];
}

interface ActionProps {
  readonly icon: IconName;
  readonly title: string;
  readonly isOn?: boolean;
  readonly onDo: () => void;
}

function Action({ icon, title, isOn, onDo }: ActionProps): JSX.Element {
  return (
    <button
      type="button"
      class="button icon quiet"
      aria-label={title}
      aria-pressed={isOn}
      title={title}
      onClick={onDo}
    >
      <Icon name={icon} />
    </button>
  );
}
