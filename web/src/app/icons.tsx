// Line icons, drawn for this page; 16 px, in the colour of the text. They are decoration: what they
// stand for is said by the control's label.
import type { JSX } from "preact";

const paths = {
  run: "M5 3.5v9l7-4.5z",
  stop: "M4 4h8v8H4z",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3.2l2.2 1.4",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M3 13l1.2-1.2M11.8 4.2 13 3",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  system: "M2 3h12v8H2zM6 14h4M8 11v3",
  help: "M6 6a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6.9V9.4M8 11.6v.2M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z",
  back: "M7 4 3 8l4 4M3 8h10",
  labels: "M2 3h5.5l6 6-4.5 4.5-6-6zM5 6v.1",
  history: "M3 8a5 5 0 1 0 1.6-3.7L3 6M3 3v3h3M8 5.5V8l1.8 1.2",
  star: "m8 2 1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.4l-3.7 2.1.8-4.2L2 6.4l4.2-.5z",
  close: "m4 4 8 8M12 4l-8 8",
  copy: "M6 6h7v7H6zM3 10V3h7",
  down: "m4 6 4 4 4-4",
  up: "m4 10 4-4 4 4",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7L13 6M13 3v3h-3",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  link: "M6.5 9.5 9.5 6.5M7 4.5l1.2-1.2a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.2 1.2a3 3 0 0 1-4.5-4.5L4.5 7",
  format: "M2.5 4h11M5.5 8h8M5.5 12h5",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  download: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
  live: "M8 6.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM4.5 4.5a5 5 0 0 0 0 7M11.5 4.5a5 5 0 0 1 0 7",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  context: "M2.5 3.5h11M2.5 12.5h11M4.5 8h7",
  open: "M9 3h4v4M13 3 7.5 8.5M11 9.5V13H3V5h3.5",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14",
  chart: "M2.5 13.5h11M4 11V8M7 11V4M10 11V6M13 11V9",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg
      class="icon-svg"
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill={name === "run" || name === "stop" ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width="1.4"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
