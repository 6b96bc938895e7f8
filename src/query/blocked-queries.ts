import { RequestError } from "#base";
import type { BlockedQuery } from "#config";
import { type Expr, parseQuery } from "#logql";
import { compileRegex } from "#regex";
import type { QueryRequest } from "./engine.ts";
import { shapeOf } from "./expr-shape.ts";

/**
 * Refuses what `blocked_queries` names: by the hash of the text, by the query itself (white space
 * and order of spelling do not matter), or by an expression that matches the text somewhere; all of
 * them for some types of query only, if so configured. A rule with no pattern blocks its types
 * altogether. Throws RequestError 400.
 */
export function checkBlocked(expr: Expr, request: QueryRequest): void {
  const types = typesOf(expr);
  for (const rule of request.limits.blockedQueries) {
    if (rule.types.length > 0 && !rule.types.some((type) => types.includes(type))) continue;
    if (isBlocked(rule, expr, request.text)) {
      throw new RequestError(400, "query blocked by policy");
    }
  }
}

/** A log query with stages is `filter`, one without is `limited`. */
function typesOf(expr: Expr): readonly string[] {
  if (expr.kind !== "log") return ["metric"];
  return expr.stages.length > 0 ? ["filter"] : ["limited"];
}

function isBlocked(rule: BlockedQuery, expr: Expr, text: string): boolean {
  if (rule.hash > 0) return rule.hash === hashOf(text);
  const pattern = rule.pattern.trim();
  if (pattern === "") return true;
  if (!rule.regex) return pattern === text.trim() || isSameQuery(pattern, expr);
  try {
    return compileRegex(pattern, { anchored: false }).test(text);
  } catch {
    // A rule that does not compile blocks nothing; the configuration's own check names it.
    return false;
  }
}

function isSameQuery(pattern: string, expr: Expr): boolean {
  try {
    return shapeOf(parseQuery(pattern)) === shapeOf(expr);
  } catch {
    return false;
  }
}

/** FNV-1a, 32 bits, of the text: the hash that Loki logs with each query. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
