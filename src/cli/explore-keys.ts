/** Bytes of a terminal in raw mode → names of keys. Pure. */
const sequences: Readonly<Record<string, string>> = {
  "\u001b[A": "up",
  "\u001b[B": "down",
  "\u001b[C": "right",
  "\u001b[D": "left",
  "\u001bOA": "up",
  "\u001bOB": "down",
  "\u001bOC": "right",
  "\u001bOD": "left",
  "\u001b[5~": "pageup",
  "\u001b[6~": "pagedown",
  "\u001b[H": "home",
  "\u001b[F": "end",
  "\u001b[1~": "home",
  "\u001b[4~": "end",
  "\u001bOH": "home",
  "\u001bOF": "end",
  "\u001b[3~": "delete",
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u0001": "home",
  "\u0005": "end",
  "\u0015": "clear",
  "\u0003": "interrupt",
  "\u0004": "interrupt",
  "\u001b": "escape",
};

const escapeCode = String.fromCharCode(27);
const escapeSequence = new RegExp(`^${escapeCode}(?:\\[[0-9;]*[A-Za-z~]|O[A-Za-z])`);

/** Names as above, or the character itself. What is unknown is left out. */
export function keysOf(text: string): string[] {
  const keys: string[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const found = escapeSequence.exec(rest)?.[0] ?? String.fromCodePoint(rest.codePointAt(0)!);
    at += found.length;
    const name = sequences[found];
    if (name !== undefined) keys.push(name);
    else if (found >= " " && !found.startsWith("\u001b")) keys.push(found);
  }
  return keys;
}
