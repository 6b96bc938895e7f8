import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { askFieldValues, askVolume, type DetectedLabel } from "../api/questions.ts";
import type { DetectedField } from "../api/types.ts";
import { rangeNow } from "../explore/address.ts";
import { quote, withMatcher } from "../logql/query-text.ts";
import { formatBytes, formatCount } from "../state/format.ts";
import { Answered } from "./answered.tsx";
import { exploreAddress, rangeKey } from "./overview-place.ts";
import { useAnswer } from "./use-answer.ts";

interface FieldRowsProps {
  readonly fields: readonly DetectedField[];
  readonly selector: string;
}

/** Fields that lines have, with how many values each takes; unfolded with values. */
export function FieldRows({ fields, selector }: FieldRowsProps): JSX.Element {
  const opened = useSignal("");
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Type</th>
          <th scope="col" class="number">
            Values
          </th>
        </tr>
      </thead>
      <tbody>
        {fields.map((field) => {
          const { label, type, cardinality } = field;
          const staged = parsedBy(selector, field);
          return (
            <tr key={label}>
              <td>
                <FoldButton name={label} opened={opened} />
                {opened.value === label && <FieldValues query={staged} name={label} />}
              </td>
              <td class="soft">{type}</td>
              <td class="number">
                <a
                  href={exploreAddress(`${staged} | ${label}!=""`)}
                  aria-label={`Lines with ${label}, ${cardinality} values`}
                >
                  {formatCount(cardinality)}
                </a>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface FoldButtonProps {
  readonly name: string;
  readonly opened: Signal<string>;
}

function FoldButton({ name, opened }: FoldButtonProps): JSX.Element {
  const isOpen = opened.value === name;
  return (
    <button
      type="button"
      class="fold-button"
      aria-expanded={isOpen}
      onClick={() => (opened.value = isOpen ? "" : name)}
    >
      <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {name}
    </button>
  );
}

/** The selector with the parsers that find the field. */
function parsedBy(selector: string, { parsers }: DetectedField): string {
  return [selector, ...(parsers ?? []).map((name) => `| ${name}`)].join(" ");
}

function FieldValues({ query, name }: { readonly query: string; readonly name: string }) {
  const values = useAnswer(`${query} ${name} ${rangeKey()}`, (signal) =>
    askFieldValues(name, query, rangeNow(), signal),
  );
  return (
    <Answered answer={values} empty="No values in the lines that were looked at.">
      {(list) => (
        <ul class="value-list">
          {list.map((value) => (
            <li key={value}>
              <a href={exploreAddress(`${query} | ${name}=${quote(value)}`)}>
                {value === "" ? "(empty)" : value}
              </a>
            </li>
          ))}
        </ul>
      )}
    </Answered>
  );
}

interface LabelRowsProps {
  readonly labels: readonly DetectedLabel[];
  readonly selector: string;
}

/** Labels of the service; unfolded with the volume of each value. */
export function LabelRows({ labels, selector }: LabelRowsProps): JSX.Element {
  const opened = useSignal("");
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Label</th>
          <th scope="col" class="number">
            Values
          </th>
        </tr>
      </thead>
      <tbody>
        {labels.map(({ label, cardinality }) => (
          <tr key={label}>
            <td>
              <FoldButton name={label} opened={opened} />
              {opened.value === label && <LabelValues selector={selector} name={label} />}
            </td>
            <td class="number">{formatCount(cardinality)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const valuesMax = 50;

function LabelValues({ selector, name }: { readonly selector: string; readonly name: string }) {
  const volumes = useAnswer(`${selector} ${name} ${rangeKey()}`, (signal) =>
    askVolume({ selector, range: rangeNow(), targetLabel: name, limit: valuesMax, signal }),
  );
  return (
    <Answered answer={volumes} empty="No values.">
      {(list) => (
        <ul class="value-list">
          {list.map(({ value, bytes }) => (
            <li key={value}>
              <a href={exploreAddress(withMatcher(selector, { name, operator: "=", value }))}>
                {value === "" ? "(none)" : value}
              </a>{" "}
              <span class="soft">{formatBytes(bytes)}</span>
            </li>
          ))}
        </ul>
      )}
    </Answered>
  );
}
