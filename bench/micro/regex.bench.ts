/**
 * Searching a block of 1 MiB of log lines with `blockRegExp`, all matching lines: MiB/s. Run:
 * `node bench/micro/regex.bench.ts`.
 */
import { Bench } from "tinybench";
import { compileRegex } from "#regex";

const blockBytes = 1 << 20;
const words =
  "GET POST /api/v1/query status=200 duration=12ms level=info level=warn trace_id= user sync " +
  'msg="done" 10.0.0.17 a@b.org';

function makeBlock(): string {
  let state = 1;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
  const choice = words.split(" ");
  let block = "";
  while (block.length < blockBytes) {
    let line = "2026-01-10T00:00:00Z";
    for (let i = 0; i < 10; i++) {
      line += ` ${choice[below(choice.length)]}`;
      if (below(3) === 0) line += below(1 << 22).toString(16);
    }
    block += `${line}${below(500) === 0 ? " Error boom" : ""}\n`;
  }
  return Buffer.from(block).toString("latin1");
}

const block = makeBlock();

/** Lines that match. */
function countLines(pattern: RegExp): number {
  let lines = 0;
  for (let at = 0; at < block.length; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(block);
    if (match === null) break;
    lines++;
    at = block.indexOf("\n", match.index) + 1;
  }
  return lines;
}

const sources = [
  "(?i)error",
  "Error",
  'trace(_id":"|=)[0-9a-f]*deadbe[0-9a-f]*',
  ".*Error.*",
  "Error boom$",
  "^2026.*Error",
  "\\d+\\.\\d+\\.\\d+\\.\\d+:\\d+",
  "\\w+@\\w+\\.com",
  "[0-9a-f]{32}",
  "(?i)timeout|panic|fatal|boom",
  "level=(error|warn).*boom",
  "(\\w+\\.)+com",
];

const bench = new Bench({ time: 300, warmupTime: 50 });
for (const source of sources) {
  const pattern = compileRegex(source, { anchored: false }).blockRegExp;
  if (pattern !== undefined) bench.add(source, () => void countLines(pattern));
}
await bench.run();
for (const { name, result } of bench.tasks) {
  if (result.state !== "completed") continue;
  const rate = (result.throughput.mean * block.length) / blockBytes;
  console.log(`${name.padEnd(50)} ${rate.toFixed(0).padStart(6)} MiB/s`);
}
