import type { RangeFunction } from "#logql";
import { DistinctFold } from "./distinct-fold.ts";
import type { RangePlan } from "./plan.ts";
import { counterRateOf, quantileOf, SampleFold, type SampleWindow } from "./sample-fold.ts";
import type { StepGrid, WindowSteps } from "./step-grid.ts";
import { TreeFold, type TreeFunction } from "./tree-fold.ts";
import { CountFold, type WindowFold } from "./window-fold.ts";

/** What a range function asks of the line. */
export function lineUse(fn: RangeFunction): "no" | "length" {
  return fn === "bytes_over_time" || fn === "bytes_rate" ? "length" : "no";
}

interface FoldOptions {
  readonly grid: StepGrid;
  readonly windows: WindowSteps;
  /** Accounts for memory that a fold takes while it grows. */
  readonly hold: (bytes: number) => void;
}

/** A new fold for one series of a range aggregation. */
export function newFold(plan: RangePlan, options: FoldOptions): WindowFold {
  const { stepCount } = options.grid;
  const seconds = Number(plan.rangeNs) / 1e9;
  const tree = (fn: TreeFunction, divisor = 1): WindowFold =>
    new TreeFold(stepCount, { fn, disjoint: options.windows.areDisjoint, divisor });
  switch (plan.fn) {
    case "count_over_time":
    case "absent_over_time":
      return new CountFold(stepCount, { weighted: false, divisor: 1 });
    case "rate":
      if (plan.unwrap !== undefined) return tree("sum", seconds);
      return new CountFold(stepCount, { weighted: false, divisor: seconds });
    case "bytes_over_time":
      return new CountFold(stepCount, { weighted: true, divisor: 1 });
    case "bytes_rate":
      return new CountFold(stepCount, { weighted: true, divisor: seconds });
    case "sum_over_time":
      return tree("sum");
    case "avg_over_time":
      return tree("avg");
    case "min_over_time":
      return tree("min");
    case "max_over_time":
      return tree("max");
    case "stddev_over_time":
      return tree("stddev");
    case "stdvar_over_time":
      return tree("stdvar");
    case "first_over_time":
      return tree("first");
    case "last_over_time":
      return tree("last");
    case "quantile_over_time": {
      const q = plan.parameter;
      const valueOf = (window: SampleWindow): number => quantileOf(q, window);
      return new SampleFold(stepCount, { valueOf, hold: options.hold, isOrderFree: true });
    }
    case "rate_counter":
      return new SampleFold(stepCount, {
        valueOf: counterRate(plan, options),
        hold: options.hold,
        isOrderFree: false,
      });
    case "count_distinct_over_time":
      return new DistinctFold(stepCount, { hold: options.hold });
    default:
      return plan.fn satisfies never;
  }
}

/** Sample times count from the end of the first window. */
function counterRate(plan: RangePlan, { grid }: FoldOptions): (window: SampleWindow) => number {
  const step = Number(grid.stepNs);
  const range = Number(plan.rangeNs);
  return (window) => {
    const endTime = window.step * step;
    return counterRateOf(window, { startTime: endTime - range, endTime });
  };
}
