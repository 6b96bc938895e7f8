// The views of the page, in the order of the navigation. A view is a component without props: all it
// shows comes from the address.
import type { ComponentType } from "preact";
import { ExploreView } from "../explore/explore-view.tsx";
import { OverviewView } from "../overview/overview-view.tsx";
import { TailView } from "../tail/tail-view.tsx";
import { StatusView } from "../status/status-view.tsx";

export interface View {
  /** In the address: `#/explore`. */
  readonly name: string;
  readonly title: string;
  /** The second key of the chord that opens it, after `g`. */
  readonly key: string;
  readonly component: ComponentType;
}

export const views: readonly [View, ...View[]] = [
  { name: "explore", title: "Explore", key: "e", component: ExploreView },
  { name: "live", title: "Live", key: "l", component: TailView },
  { name: "overview", title: "Overview", key: "o", component: OverviewView },
  { name: "status", title: "Status", key: "s", component: StatusView },
];
