/**
 * Where in a JSON line the labels that `| json` makes come from: `nested_a` from `nested`, `a`.
 */

/** Deeper objects are left out, as `| json` refuses them. */
const depthMax = 128;

/** Path by label name, the first of several; empty when the line is not strictly JSON. */
export function jsonPathsOf(line: string): Map<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>();
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return paths;
    throw error;
  }
  if (isObject(value)) collect(value, { name: "", path: [] }, paths);
  return paths;
}

interface Place {
  readonly name: string;
  readonly path: readonly string[];
}

function collect(object: object, parent: Place, paths: Map<string, readonly string[]>): void {
  for (const [key, value] of Object.entries(object)) {
    const path = [...parent.path, key];
    const name = joinName(parent.name, key);
    if (!isObject(value)) {
      if (!paths.has(name)) paths.set(name, path);
    } else if (path.length < depthMax) collect(value, { name, path }, paths);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The name `| json` gives a key below a parent (docs: LogQL, json parser). */
function joinName(parent: string, key: string): string {
  const name = key.trim().replace(/[^a-zA-Z0-9_]/gu, "_");
  if (parent === "") return /^[0-9]/.test(name) ? `_${name}` : name;
  return name === "" ? parent : `${parent}_${name}`;
}
