// Colours of series: apart from each other in both themes, given in this order.
const dark = [
  "#58a6ff",
  "#f2b33d",
  "#4cc9b8",
  "#ff7b72",
  "#b392f0",
  "#7fd36b",
  "#ff9bce",
  "#8fb3c7",
  "#d9a066",
  "#5fd0ff",
];
const light = [
  "#1f6fd1",
  "#b97706",
  "#0b7a6d",
  "#cf3d37",
  "#7a45c4",
  "#3f8f2c",
  "#c2398a",
  "#5b7a8c",
  "#95602a",
  "#0d86b5",
];

export function seriesColor(index: number, theme: "dark" | "light"): string {
  const colors = theme === "dark" ? dark : light;
  return colors[index % colors.length]!;
}
