import assert from "node:assert/strict";

/**
 * What a client needs of a JSON answer. Plain values must be equal; objects must have at least the
 * members of the shape; arrays must be as long as the shape's. Texts that begin with `$` are kinds:
 * `$string`, `$number`, `$boolean`, `$object`, `$array`, `$any`, `$ns` (19 digits in a string),
 * `$decimal` (a number in a string). Objects with one of these members are rules: `$every` (a shape
 * of each element of an array), `$contains` (shapes that some elements have), `$only` (an object
 * with these members and no others), `$in` (one of these values).
 */
export type Shape = unknown;

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  $any: () => true,
  $string: (value) => typeof value === "string",
  $number: (value) => typeof value === "number",
  $boolean: (value) => typeof value === "boolean",
  $array: (value) => Array.isArray(value),
  $object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  $ns: (value) => typeof value === "string" && /^\d{19}$/.test(value),
  $decimal: (value) => typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value),
};

/** Throws AssertionError that says where. */
export function assertShape(value: unknown, shape: Shape, at = "answer"): void {
  if (typeof shape === "string" && shape in kinds) {
    const isKind = kinds[shape]?.(value) === true;
    assert.ok(isKind, `${at}: ${shape} expected, found ${JSON.stringify(value)}`);
    return;
  }
  if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), `${at}: array expected, found ${JSON.stringify(value)}`);
    assert.equal(value.length, shape.length, `${at}: ${JSON.stringify(value)}`);
    for (const [i, part] of shape.entries()) assertShape(value[i], part, `${at}[${i}]`);
    return;
  }
  if (typeof shape !== "object" || shape === null) {
    assert.deepEqual(value, shape, at);
    return;
  }
  assertMembers(value, shape as Readonly<Record<string, Shape>>, at);
}

function assertMembers(value: unknown, shape: Readonly<Record<string, Shape>>, at: string): void {
  if ("$every" in shape || "$contains" in shape) {
    assert.ok(Array.isArray(value), `${at}: array expected, found ${JSON.stringify(value)}`);
    if ("$every" in shape) {
      for (const [i, part] of value.entries()) assertShape(part, shape["$every"], `${at}[${i}]`);
      return;
    }
    for (const part of shape["$contains"] as readonly Shape[]) {
      const isThere = value.some((one) => hasShape(one, part));
      assert.ok(isThere, `${at}: ${JSON.stringify(part)} is not in ${JSON.stringify(value)}`);
    }
    return;
  }
  if ("$in" in shape) {
    const isThere = (shape["$in"] as readonly unknown[]).includes(value);
    assert.ok(isThere, `${at}: ${JSON.stringify(value)}`);
    return;
  }
  const isObject = kinds["$object"]?.(value) === true;
  assert.ok(isObject, `${at}: object expected, found ${JSON.stringify(value)}`);
  const members = (shape["$only"] ?? shape) as Readonly<Record<string, Shape>>;
  const found = value as Readonly<Record<string, unknown>>;
  if ("$only" in shape) {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(members).sort(), at);
  }
  for (const [name, part] of Object.entries(members)) {
    assert.ok(name in found, `${at}: no member ${name} in ${JSON.stringify(value)}`);
    assertShape(found[name], part, `${at}.${name}`);
  }
}

function hasShape(value: unknown, shape: Shape): boolean {
  try {
    assertShape(value, shape);
    return true;
  } catch {
    return false;
  }
}
