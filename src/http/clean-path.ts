/**
 * The path as Go's router wants it: no doubled slashes, no `.` or `..`, a trailing slash kept.
 * Undefined when it is so already. Works on the path as it was sent, escapes and all.
 */
export function cleanPath(path: string): string | undefined {
  if (!path.startsWith("/") || !/\/(?:\/|\.{1,2}(?:\/|$))/.test(path)) return undefined;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const isFolder = path.endsWith("/") && parts.length > 0;
  const clean = `/${parts.join("/")}${isFolder ? "/" : ""}`;
  return clean === path ? undefined : clean;
}
