/** How wide text is on a terminal. Pure. */
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u;
const picture = /\p{Extended_Pictographic}/u;
const nothing = /[\p{Mn}\p{Me}\p{Cf}]/u;
const control = /\p{Cc}/gu;
const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/** Without colours; tabs are blanks, other control characters dots. */
export function plainText(text: string): string {
  return text.replace(colour, "").replaceAll("\t", "    ").replace(control, "·");
}

function cellsOf(character: string): number {
  if (character < "\u0300") return 1;
  if (nothing.test(character)) return 0;
  return wide.test(character) || picture.test(character) ? 2 : 1;
}

/** Cut or filled with blanks to exactly so many cells; `text` is plain. */
export function fitCells(text: string, cells: number): string {
  let [used, at] = [0, 0];
  for (const character of text) {
    const more = cellsOf(character);
    if (used + more > cells) break;
    used += more;
    at += character.length;
  }
  return text.slice(0, at) + " ".repeat(Math.max(0, cells - used));
}
