import { compileIpMatcher } from "#logql";

/** No address is longer. */
const addressLengthMax = 45;

/** Does a text hold an address of `pattern`: an address, a CIDR block or `a-b`? */
export function compileIp(pattern: string): (text: string) => boolean {
  const covers = compileIpMatcher(pattern);
  return (text) => {
    let at = 0;
    for (;;) {
      runStart.lastIndex = at;
      const start = runStart.exec(text);
      if (start === null) return false;
      const run = runAt(text, start.index);
      if (run.length <= addressLengthMax && covers(run)) return true;
      at = start.index + run.length;
    }
  };
}

const runStart = /\d(?=\d{0,2}\.)|[0-9a-fA-F]{1,4}(?=:)|::(?=[0-9a-fA-F])/g;
const fourStart = /\d{1,3}\./y;
const fourRun = /[0-9.]+/y;
const sixRun = /[0-9a-fA-F:.]+/y;

/** All characters from `at` on that an address of the family could have. */
function runAt(text: string, at: number): string {
  fourStart.lastIndex = at;
  const run = fourStart.test(text) ? fourRun : sixRun;
  run.lastIndex = at;
  return run.exec(text)![0];
}
