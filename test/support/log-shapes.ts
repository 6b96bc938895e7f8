import type { Random } from "#world";

/** Lines shaped as real programs write them; each holds its `id`, so that a test can tell every entry from every other. */
export function logLine(random: Random, id: string): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.fraction() * items.length)]!;
  const number = (max: number): number => Math.floor(random.fraction() * max);
  const level = pick(["info", "info", "info", "warn", "error", "debug"]);
  switch (number(5)) {
    case 0:
      return JSON.stringify({
        level,
        msg: pick(messages),
        id,
        status: pick([200, 404, 503]),
        ms: number(900),
      });
    case 1:
      return `level=${level} caller=${pick(callers)} msg="${pick(messages)}" id=${id} took=${number(5000)}ms`;
    case 2:
      return `10.0.${number(4)}.${number(255)} - - "GET /api/v1/items/${number(900)}?id=${id} HTTP/1.1" ${pick([200, 301, 500])} ${number(90_000)}`;
    case 3:
      return `${pick(["Jän", "Feb", "März"])} ${number(28)} host-${number(9)} sshd[${number(30_000)}]: ${pick(messages)} für id=${id}`;
    default:
      return `panic: ${pick(messages)} id=${id}\n\tat ${pick(callers)}:${number(400)}\n\tat main.go:${number(90)}`;
  }
}

const messages = [
  "request completed",
  "connection refused by peer",
  "cache miss",
  "slow query",
  "upstream timeout",
  "retrying in 5s",
] as const;
const callers = ["server.go", "handler.ts", "db/pool.rs", "com.acme.Main"] as const;
