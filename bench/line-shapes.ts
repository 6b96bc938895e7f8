/**
 * Shapes of log lines, written for this benchmark after the habits of common software. Each makes a
 * line from random numbers, so that repeats do not compress for free.
 */

export interface Dice {
  /** A whole number from 0 up to, not including, `max`. */
  upTo(max: number): number;
  /** Hexadecimal digits. */
  hex(count: number): string;
}

/** `timeMs` is the entry's own time, which many lines repeat. */
export type LineShape = (dice: Dice, timeMs: number) => string;

/** Marsaglia's xorshift of 128 bits: the same corpus for the same seed, everywhere. */
export function seededDice(seed: number): Dice {
  let [x, y, z, w] = [123_456_789 + seed, 362_436_069, 521_288_629, 88_675_123];
  const next = (): number => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = w ^ (w >>> 19) ^ (t ^ (t >>> 8));
    return w >>> 0;
  };
  return {
    upTo: (max) => next() % max,
    hex: (count) => {
      let text = "";
      while (text.length < count) text += next().toString(16).padStart(8, "0");
      return text.slice(0, count);
    },
  };
}

function pick<T>(dice: Dice, from: readonly T[]): T {
  return from[dice.upTo(from.length)]!;
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
const address = (dice: Dice): string => `10.${dice.upTo(4)}.${dice.upTo(256)}.${dice.upTo(256)}`;
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function syslogTime(timeMs: number): string {
  const day = new Date(timeMs);
  const date = String(day.getUTCDate()).padStart(2);
  return `${months[day.getUTCMonth()]} ${date} ${iso(timeMs).slice(11, 19)}`;
}

const json: LineShape = (dice, timeMs) =>
  JSON.stringify({
    time: iso(timeMs),
    level: pick(dice, ["info", "info", "info", "debug", "warn", "error"]),
    message: pick(dice, ["order placed", "cart updated", "payment taken", "request handled"]),
    method: pick(dice, ["GET", "GET", "POST", "DELETE"]),
    route: `/shop/v2/${pick(dice, ["orders", "carts", "items", "coupons"])}/${dice.upTo(90_000)}`,
    status: pick(dice, [200, 200, 200, 201, 304, 404, 500, 503]),
    took_ms: dice.upTo(2500),
    sent: dice.upTo(400_000),
    trace_id: dice.hex(32),
    customer: { id: dice.upTo(1_000_000), tier: pick(dice, ["basic", "gold"]) },
  });

const logfmt: LineShape = (dice, timeMs) =>
  `ts=${iso(timeMs)} level=${pick(dice, ["info", "info", "warn", "error", "debug"])} ` +
  `caller=sync.go:${dice.upTo(700)} msg="shard written" shard=${dice.upTo(64)} ` +
  `tenant=team-${dice.upTo(40)} trace=${dice.hex(16)} bytes=${dice.upTo(3_000_000)} ` +
  `dur=${dice.upTo(800)}.${dice.upTo(1000)}ms`;

const accessLog: LineShape = (dice, timeMs) =>
  `${address(dice)} - - [${iso(timeMs).slice(0, 19)} +0000] "` +
  `${pick(dice, ["GET", "POST", "HEAD"])} /static/${pick(dice, ["js", "css", "img"])}/` +
  `${dice.hex(8)}.${pick(dice, ["js", "css", "png"])} HTTP/1.1" ` +
  `${pick(dice, [200, 200, 304, 404, 502])} ${dice.upTo(90_000)} "-" ` +
  `"${pick(dice, ["curl/8.9.1", "Mozilla/5.0 (X11; Linux x86_64) Gecko/2026 Firefox/150.0"])}"`;

const systemd: LineShape = (dice, timeMs) =>
  `${syslogTime(timeMs)} node-${dice.upTo(30)} systemd[1]: ` +
  pick(dice, [
    `Started session-${dice.upTo(9000)}.scope - Session of user deploy.`,
    `backup.service: Main process exited, code=exited, status=${dice.upTo(3)}/FAILURE`,
    `Finished logrotate.service after ${dice.upTo(900)}ms.`,
  ]);

const sshd: LineShape = (dice, timeMs) =>
  `${syslogTime(timeMs)} bastion sshd[${1000 + dice.upTo(60_000)}]: ` +
  pick(dice, [
    `Failed password for invalid user ${pick(dice, ["oracle", "test", "git"])}`,
    "Accepted publickey for deploy",
    "error: maximum authentication attempts exceeded for root",
  ]) +
  ` from ${address(dice)} port ${1024 + dice.upTo(60_000)} ssh2`;

const javaTrace: LineShape = (dice, timeMs) =>
  dice.upTo(4) > 0
    ? `${iso(timeMs).slice(0, 23).replace("T", " ")} [pool-${dice.upTo(9)}-thread-` +
      `${dice.upTo(64)}] ${pick(dice, ["INFO ", "DEBUG", "WARN "])} c.e.billing.InvoiceJob - ` +
      `invoice ${100_000 + dice.upTo(900_000)} closed in ${dice.upTo(4000)} ms`
    : `java.lang.IllegalStateException: ledger ${dice.upTo(5000)} is locked\n` +
      `\tat com.example.billing.Ledger.open(Ledger.java:${dice.upTo(400)})\n` +
      `\tat com.example.billing.InvoiceJob.run(InvoiceJob.java:${dice.upTo(300)})\n` +
      `\tat java.base/java.lang.Thread.run(Thread.java:1583)`;

const kubelet: LineShape = (dice, timeMs) =>
  `${pick(dice, ["I", "I", "W", "E"])}${iso(timeMs).slice(5, 10).replace("-", "")} ` +
  `${iso(timeMs).slice(11, 23)}000    ${1000 + dice.upTo(8000)} reconciler.go:${dice.upTo(500)}] ` +
  `"Volume attached for pod" pod="shop/web-${dice.hex(10)}-${dice.hex(5)}" ` +
  `volume="kubernetes.io/csi/pvc-${dice.hex(8)}"`;

const kernel: LineShape = (dice) =>
  `[${dice.upTo(900_000)}.${dice.upTo(1_000_000)}] ` +
  pick(dice, [
    `eth0: link is up, ${pick(dice, [1000, 10_000])} Mbps, full duplex`,
    `Out of memory: Killed process ${dice.upTo(60_000)} (node) total-vm:${dice.upTo(9e6)}kB`,
    `EXT4-fs (dm-${dice.upTo(4)}): mounted filesystem ${dice.hex(8)} r/w`,
  ]);

const postgres: LineShape = (dice, timeMs) =>
  `${iso(timeMs).slice(0, 23).replace("T", " ")} UTC [${dice.upTo(40_000)}] shop@orders ` +
  pick(dice, [
    `LOG:  duration: ${dice.upTo(9000)}.${dice.upTo(1000)} ms  statement: SELECT total FROM ` +
      `orders WHERE id = ${dice.upTo(1e7)}`,
    `ERROR:  duplicate key value violates unique constraint "orders_pkey"`,
    `LOG:  checkpoint complete: wrote ${dice.upTo(20_000)} buffers`,
  ]);

const pythonApp: LineShape = (dice, timeMs) =>
  `${iso(timeMs).slice(0, 23).replace("T", " ").replace(".", ",")} - worker.${dice.upTo(16)} - ` +
  `${pick(dice, ["INFO", "INFO", "WARNING", "ERROR"])} - task resize[${dice.hex(8)}-` +
  `${dice.hex(4)}-${dice.hex(4)}] ${pick(dice, ["succeeded", "retried", "failed"])} ` +
  `in ${dice.upTo(60)}.${dice.upTo(1_000_000)}s`;

const resolver: LineShape = (dice) =>
  `[INFO] ${address(dice)}:${dice.upTo(65_536)} - ${dice.upTo(65_536)} "` +
  `${pick(dice, ["A", "AAAA", "SRV"])} IN svc-${dice.upTo(300)}.shop.svc.cluster.local. udp ` +
  `${40 + dice.upTo(80)} false 512" NOERROR qr,aa,rd ${dice.upTo(400)} 0.000${dice.upTo(999_999)}s`;

const messages: LineShape = (dice) =>
  pick(dice, [
    `ユーザー ${dice.upTo(1e6)} がログインしました（端末 ${dice.hex(6)}）`,
    `Заказ №${dice.upTo(1e6)} отправлен, вес ${dice.upTo(40)},${dice.upTo(10)} кг`,
    `Überweisung ${dice.upTo(1e6)} über ${dice.upTo(5000)} € ausgeführt ✓`,
    `greeting sent to customer ${dice.upTo(1e6)}`,
  ]);

const metricsDump: LineShape = (dice, timeMs) =>
  `${Math.floor(timeMs / 1000)} cpu=${dice.upTo(100)}.${dice.upTo(10)} mem=${dice.upTo(65_536)} ` +
  `io_r=${dice.upTo(1e6)} io_w=${dice.upTo(1e6)} load=${dice.upTo(9)}.${dice.upTo(100)}`;

const queue: LineShape = (dice, timeMs) =>
  `=INFO REPORT==== ${iso(timeMs)} === connection <0.${dice.upTo(99_999)}.${dice.upTo(9)}> ` +
  `(${address(dice)}:${dice.upTo(65_536)} -> 10.0.0.9:5672): ` +
  pick(dice, ["user 'shop' authenticated", "connection closed unexpectedly", "heartbeat missed"]);

/** By name of the app that writes them; more than once: more streams of it. */
export const lineShapes: readonly (readonly [app: string, shape: LineShape])[] = [
  ["json", json],
  ["json", json],
  ["json", json],
  ["logfmt", logfmt],
  ["logfmt", logfmt],
  ["access", accessLog],
  ["access", accessLog],
  ["billing", javaTrace],
  ["bastion", sshd],
  ["kernel", kernel],
  ["kubelet", kubelet],
  ["messages", messages],
  ["metrics", metricsDump],
  ["postgres", postgres],
  ["queue", queue],
  ["resolver", resolver],
  ["systemd", systemd],
  ["worker", pythonApp],
];
