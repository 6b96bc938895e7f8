const operatorsByLevel: readonly (readonly string[])[] = [
  ["or"],
  ["and", "unless"],
  ["==", "!=", ">", ">=", "<", "<="],
  ["+", "-"],
  ["*", "/", "%"],
  ["^"],
];

const levels: ReadonlyMap<string, number> = new Map(
  operatorsByLevel.flatMap((ops, level) => ops.map((op): [string, number] => [op, level + 1])),
);

/**
 * How tightly an operator between metric expressions binds, 1 the weakest; undefined for what is
 * none.
 */
export function precedenceOf(op: string): number | undefined {
  return levels.get(op);
}
