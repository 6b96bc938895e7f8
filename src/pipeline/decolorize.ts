import type { RowStage } from "./row-state.ts";
import { latin1Text } from "./bytes-text.ts";

/**
 * Control sequences of terminals (ECMA-48 CSI, and OSC ended by BEL) in the bytes of UTF-8 text
 * read as latin1, where U+009B is C2 9B. Deliberately forgiving about their parameters.
 */
const start = "(?:\\x1b|\\xc2\\x9b)[[\\]()#;?]*";
const titled = "(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\\x07";
const coded = "(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]";
const sequences = new RegExp(`${start}(?:${titled}|${coded})`, "g");

/** `| decolorize`: takes ANSI sequences out of the line. */
export function compileDecolorize(): RowStage {
  return (row) => {
    const buffer = row.lineBuffer;
    if (!hasEscape(buffer, row.lineFrom, row.lineTo)) return true;
    const text = latin1Text(buffer, row.lineFrom, row.lineTo);
    const plain = text.replace(sequences, "");
    if (plain.length !== text.length) row.setLineBytes(Buffer.from(plain, "latin1"));
    return true;
  };
}

function hasEscape(buffer: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = buffer[i];
    if (byte === 0x1b || (byte === 0x9b && buffer[i - 1] === 0xc2)) return true;
  }
  return false;
}
