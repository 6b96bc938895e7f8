import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { oneOf, stored } from "./stored.ts";

export type ThemeChoice = "system" | "dark" | "light";

export const themeChoice: Signal<ThemeChoice> = stored("theme", oneOf(["system", "dark", "light"]));

const dark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(dark.matches);

/** What is shown. Charts draw anew when it changes. */
export const theme: ReadonlySignal<"dark" | "light"> = computed(() => {
  if (themeChoice.value !== "system") return themeChoice.value;
  return systemIsDark.value ? "dark" : "light";
});

/** Keeps the document in the theme chosen; call once. */
export function followTheme(): void {
  dark.addEventListener("change", () => {
    systemIsDark.value = dark.matches;
  });
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}

/** The value of a CSS variable in the theme shown, for canvases. */
export function cssValue(name: `--${string}`): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
