import type { JSX } from "preact";
import { type ThemeChoice, themeChoice } from "../state/theme.ts";
import { Icon, type IconName } from "./icons.tsx";

const next: Readonly<Record<ThemeChoice, ThemeChoice>> = {
  system: "dark",
  dark: "light",
  light: "system",
};
const icons: Readonly<Record<ThemeChoice, IconName>> = {
  system: "system",
  dark: "moon",
  light: "sun",
};

export function ThemeButton(): JSX.Element {
  const choice = themeChoice.value;
  return (
    <button
      type="button"
      class="button icon quiet"
      aria-label={`Theme: ${choice}; switch to ${next[choice]}`}
      title={`Theme: ${choice}`}
      onClick={() => (themeChoice.value = next[choice])}
    >
      <Icon name={icons[choice]} />
    </button>
  );
}
