import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { Icon } from "../app/icons.tsx";
import { askCounts, askPatterns, type PatternAnswer, stepsOf } from "../api/overview.ts";
import { askDetectedFields, askDetectedLabels } from "../api/questions.ts";
import { TimeChart } from "../chart/time-chart.tsx";
import { rangeNow } from "../explore/address.ts";
import { RangePicker, zoomTo } from "../explore/range-picker.tsx";
import { levelOf } from "../lines/entry.ts";
import { quote } from "../logql/query-text.ts";
import { tenant, token } from "../state/access.ts";
import { formatCount } from "../state/format.ts";
import { visit } from "../state/location.ts";
import { cssValue, theme } from "../state/theme.ts";
import { niceStep } from "../state/time-range.ts";
import { Answered } from "./answered.tsx";
import { FieldRows, LabelRows } from "./field-rows.tsx";
import { levelRows } from "./level-rows.ts";
import { exploreAddress, overviewAddress, rangeKey, selectorOfService } from "./overview-place.ts";
import { Sparkline } from "./sparkline.tsx";
import { type Answer, useAnswer } from "./use-answer.ts";

const chartSteps = 120;
const patternSteps = 40;
const patternsMax = 50;
const noHidden: ReadonlySet<string> = new Set();

/** One service: levels over time, patterns with their trends, fields and labels. */
export function ServiceDetail({ name }: { readonly name: string }): JSX.Element {
  const selector = selectorOfService(name);
  const key = `${name} ${rangeKey()} ${visit.value} ${tenant.value} ${token.value}`;
  const patterns = useAnswer(key, (signal) => {
    const range = rangeNow();
    return askPatterns(selector, range, { stepSeconds: niceStep(range, patternSteps), signal });
  });
  const fields = useAnswer(key, (signal) => askDetectedFields(selector, rangeNow(), signal));
  const labels = useAnswer(key, (signal) => askDetectedLabels(selector, rangeNow(), signal));
  return (
    <>
      <div class="overview-head">
        <a class="button icon" href={overviewAddress()} aria-label="All services">
          <Icon name="back" />
        </a>
        <h1>{name}</h1>
        <a class="button primary" href={exploreAddress(selector)}>
          Explore
        </a>
        <span class="toolbar-space" />
        <RangePicker />
      </div>
      <LevelChart selector={selector} questionKey={key} />
      <section class="panel" aria-label="Patterns">
        <h2 class="panel-title">Patterns</h2>
        <Answered
          answer={byCount(patterns)}
          empty="No patterns yet: they are learned from lines as they arrive."
        >
          {(list) => <PatternRows patterns={list} selector={selector} />}
        </Answered>
      </section>
      <div class="overview-columns">
        <section class="panel" aria-label="Fields">
          <h2 class="panel-title">Fields</h2>
          <Answered answer={fields} empty="No fields were found in the lines.">
            {(list) => <FieldRows fields={list} selector={selector} />}
          </Answered>
        </section>
        <section class="panel" aria-label="Labels">
          <h2 class="panel-title">Labels</h2>
          <Answered answer={labels} empty="No labels but the name of the service.">
            {(list) => <LabelRows labels={list} selector={selector} />}
          </Answered>
        </section>
      </div>
    </>
  );
}

interface LevelChartProps {
  readonly selector: string;
  readonly questionKey: string;
}

function LevelChart({ selector, questionKey }: LevelChartProps): JSX.Element {
  const answer = useAnswer(questionKey, async (signal) => {
    const range = rangeNow();
    const stepSeconds = niceStep(range, chartSteps);
    const by = ["detected_level"];
    const series = await askCounts({ selector, by, range, stepSeconds, signal });
    const steps = stepsOf(range, stepSeconds);
    return [{ ...levelRows(series, steps), steps }];
  });
  return (
    <section class="panel" aria-label="Lines by level">
      <Answered answer={answer} empty="">
        {([found]) =>
          found === undefined ? null : (
            <>
              <div class="level-chips">
                <b>{formatCount(found.total)} lines</b>
                {found.rows.map(({ level, total }) => (
                  <a
                    key={level}
                    class="level-chip"
                    href={exploreAddress(`${selector} | detected_level=${quote(level)}`)}
                  >
                    <i style={{ background: `var(--level-${level})` }} aria-hidden="true" /> {level}{" "}
                    <span class="soft">{formatCount(total)}</span>
                  </a>
                ))}
              </div>
              <LevelBars found={found} />
            </>
          )
        }
      </Answered>
    </section>
  );
}

interface FoundLevels extends ReturnType<typeof levelRows> {
  readonly steps: ReturnType<typeof stepsOf>;
}

function LevelBars({ found }: { readonly found: FoundLevels }): JSX.Element {
  const colors = theme.value;
  const series = useMemo(
    () =>
      found.rows.toReversed().map(({ level, values }) => ({
        name: level,
        color: cssValue(`--level-${level}`),
        values,
      })),
    [found, colors],
  );
  const { fromSeconds, toSeconds, stepSeconds } = found.steps;
  return (
    <TimeChart
      label={`Lines over time by level: ${found.rows.map(({ level, total }) => `${level} ${total}`).join(", ")}`}
      kind="bars"
      times={found.times}
      series={series}
      hidden={noHidden}
      stepSeconds={stepSeconds}
      range={{ fromMs: fromSeconds * 1000, toMs: toSeconds * 1000 }}
      heightPixels={120}
      onZoom={zoomTo}
    />
  );
}

interface CountedPattern extends PatternAnswer {
  readonly count: number;
}

function byCount(answer: Answer<readonly PatternAnswer[]>): Answer<readonly CountedPattern[]> {
  const value = answer.value
    ?.map((found) => ({ ...found, count: found.samples.reduce((sum, [, n]) => sum + n, 0) }))
    .sort((a, b) => b.count - a.count)
    .slice(0, patternsMax);
  return { ...answer, value };
}

interface PatternRowsProps {
  readonly patterns: readonly CountedPattern[];
  readonly selector: string;
}

function PatternRows({ patterns, selector }: PatternRowsProps): JSX.Element {
  const range = rangeNow();
  const steps = stepsOf(range, niceStep(range, patternSteps));
  return (
    <table class="table pattern-table">
      <thead>
        <tr>
          <th scope="col" class="number">
            Lines
          </th>
          <th scope="col">Trend</th>
          <th scope="col">Pattern</th>
          <th scope="col">
            <span class="off-screen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {patterns.map(({ pattern, level, samples, count }) => (
          <tr key={`${level} ${pattern}`}>
            <td class="number">{formatCount(count)}</td>
            <td class="spark-cell">
              <Sparkline
                label={`${count} lines over time`}
                rows={[{ level: levelOf(level), values: onSteps(samples, steps) }]}
              />
            </td>
            <td class="pattern-text">
              <a href={exploreAddress(`${selector} |> ${quote(pattern)}`)}>{pattern}</a>
            </td>
            <td>
              <a
                class="soft"
                href={exploreAddress(`${selector} !> ${quote(pattern)}`)}
                title="All lines but these"
              >
                without
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function onSteps(
  samples: PatternAnswer["samples"],
  { fromSeconds, toSeconds, stepSeconds }: ReturnType<typeof stepsOf>,
): number[] {
  const count = Math.max(1, Math.ceil((toSeconds - fromSeconds) / stepSeconds));
  const values = Array.from({ length: count }, () => 0);
  for (const [seconds, lines] of samples) {
    const index = Math.floor((seconds - fromSeconds) / stepSeconds);
    if (index >= 0 && index < count) values[index]! += lines;
  }
  return values;
}
