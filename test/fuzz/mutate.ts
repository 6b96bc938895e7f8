/** Changes of inputs by chance: bits, telling bytes, pieces left out, repeated or of other inputs. */
import type { Random } from "#world";

/** Larger inputs show nothing that small ones do not, and slow all others down. */
export const inputBytesMax = 33_000;

const telling = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5c, 0x7b, 0x7d, 0x28, 0x29, 0x0a, 0xc3, 0xed];
const tellingNumbers = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const changesMax = 4;

/** What inputs are made of. */
export interface Material {
  readonly pool: readonly Buffer[];
  /** Words of the format, put in whole. */
  readonly words: readonly string[];
}

export function mutate({ pool, words }: Material, random: Random): Buffer {
  const below = (count: number): number => Math.floor(random.fraction() * count);
  let input = Buffer.from(pool[below(pool.length)] ?? Buffer.alloc(0));
  const changes = 1 + below(changesMax);
  for (let n = 0; n < changes; n++) {
    const at = below(input.length + 1);
    const to = Math.min(input.length, at + 1 + below(16));
    const put = (bytes: Uint8Array): void => {
      input = Buffer.concat([input.subarray(0, at), bytes, input.subarray(at)]);
    };
    switch (below(9)) {
      case 0:
        if (at < input.length) input[at]! ^= 1 << below(8);
        break;
      case 1:
        if (at < input.length) input[at] = telling[below(telling.length)]!;
        break;
      case 2:
        input = Buffer.concat([input.subarray(0, at), input.subarray(to)]);
        break;
      case 3:
        for (let times = below(3) === 0 ? 40 : 1; times > 0; times--) put(input.subarray(at, to));
        break;
      case 4:
        put(random.bytes(1 + below(6)));
        break;
      case 5: {
        const other = pool[below(pool.length)] ?? input;
        put(other.subarray(below(other.length + 1)));
        break;
      }
      case 6:
        if (words.length > 0) put(Buffer.from(words[below(words.length)]!));
        break;
      case 7:
        if (input.length >= at + 4) writeNumber(input, at, below);
        break;
      default:
        if (below(4) === 0) input = input.subarray(0, at);
        else if (at < input.length) input[at] = (input[at]! + 1 + below(5)) & 0xff;
    }
    if (input.length > inputBytesMax) input = input.subarray(0, inputBytesMax);
  }
  return Buffer.from(input);
}

function writeNumber(input: Buffer, at: number, below: (count: number) => number): void {
  const value = tellingNumbers[below(tellingNumbers.length)]!;
  if (below(2) === 0) input.writeUInt32LE(value, at);
  else input.writeUInt32BE(value, at);
}
