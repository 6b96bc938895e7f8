/** A syntax tree without positions and functions, for comparing trees in tests. */
export function shape(piece: object): unknown {
  return JSON.parse(
    JSON.stringify(piece, (key, value: unknown) => {
      if (key === "span") return undefined;
      return typeof value === "bigint" ? `${value}ns` : value;
    }),
  );
}
