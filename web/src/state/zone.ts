import type { Signal } from "@preact/signals";
import { oneOf, stored } from "./stored.ts";

/** In which zone times are shown. */
export const zone: Signal<"local" | "utc"> = stored("zone", oneOf(["local", "utc"]));
