/**
 * A piece of a syntax tree or plan as text, without positions: two pieces that mean the same by
 * their spelling have the same shape.
 */
export function shapeOf(piece: object): string {
  return JSON.stringify(piece, (key, value: unknown) => {
    if (key === "span") return undefined;
    return typeof value === "bigint" ? `${value}ns` : value;
  });
}
