// Colours that programs write for terminals (ECMA-48, "select graphic rendition") become styled pieces
// of text; other escape sequences are left out. What comes out is text and names, never markup.

/** How a piece looks; colours are `red`, `bright-red` or `#rrggbb`. */
export interface AnsiStyle {
  readonly color?: string;
  readonly background?: string;
  readonly isBold?: boolean;
  readonly isFaint?: boolean;
  readonly isItalic?: boolean;
  readonly isUnderlined?: boolean;
}

export interface AnsiPiece {
  readonly text: string;
  readonly style: AnsiStyle;
}

const colorNames = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const plain: AnsiStyle = {};

/** CSI sequences, OSC sequences up to their end, two-letter escapes; an unfinished one to the end. */
const control = "\\[([0-9;:]*)([\\u0020-\\u002f]*[\\u0040-\\u007e])";
const command = "\\][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)?";
const short = "[\\u0040-\\u005a\\u005c-\\u005f]";
const unfinished = "\\[[0-9;:]*$";
const escapes = new RegExp(`\\u001b(?:${[control, command, short, unfinished].join("|")})`, "g");

export function hasAnsi(text: string): boolean {
  return text.includes("\u001b");
}

/** The text without its escape sequences. */
export function withoutAnsi(text: string): string {
  return hasAnsi(text) ? text.replace(escapes, "") : text;
}

/** Pieces in order; their texts joined are `withoutAnsi(text)`. */
export function ansiPieces(text: string): AnsiPiece[] {
  if (!hasAnsi(text)) return [{ text, style: plain }];
  const pieces: AnsiPiece[] = [];
  let style = plain;
  let from = 0;
  for (const match of text.matchAll(escapes)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), style });
    from = match.index + match[0].length;
    if (match[2] === "m") style = nextStyle(style, match[1] ?? "");
  }
  if (from < text.length) pieces.push({ text: text.slice(from), style });
  return pieces;
}

function nextStyle(before: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  let style = before;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]!;
    if (code === 38 || code === 48) {
      const { color, length } = extendedColor(codes.slice(at + 1));
      if (color !== undefined) {
        style = code === 38 ? { ...style, color } : { ...style, background: color };
      }
      at += length;
    } else {
      style = withCode(style, code);
    }
  }
  return style;
}

function withCode(style: AnsiStyle, code: number): AnsiStyle {
  const color = colorNames[code % 10];
  if (code >= 30 && code <= 37) return { ...style, color: color! };
  if (code >= 40 && code <= 47) return { ...style, background: color! };
  if (code >= 90 && code <= 97) return { ...style, color: `bright-${color}` };
  if (code >= 100 && code <= 107) return { ...style, background: `bright-${color}` };
  switch (code) {
    case 0:
      return plain;
    case 1:
      return { ...style, isBold: true };
    case 2:
      return { ...style, isFaint: true };
    case 3:
      return { ...style, isItalic: true };
    case 4:
      return { ...style, isUnderlined: true };
    case 22:
      return { ...style, isBold: false, isFaint: false };
    case 23:
      return { ...style, isItalic: false };
    case 24:
      return { ...style, isUnderlined: false };
    case 39: {
      const { color: _, ...rest } = style;
      return rest;
    }
    case 49: {
      const { background: _, ...rest } = style;
      return rest;
    }
    default:
      return style;
  }
}

interface ExtendedColor {
  readonly color?: string;
  /** Codes that belong to it. */
  readonly length: number;
}

/** Behind 38 and 48: `5;n` of 256 colours, `2;r;g;b`. */
function extendedColor(codes: readonly number[]): ExtendedColor {
  if (codes[0] === 5) return { color: indexedColor(codes[1] ?? 0), length: 2 };
  if (codes[0] !== 2) return { length: 1 };
  return { color: hexColor(codes.slice(1, 4)), length: 4 };
}

function indexedColor(index: number): string {
  if (index < 8) return colorNames[index]!;
  if (index < 16) return `bright-${colorNames[index - 8]}`;
  if (index >= 232) {
    const grey = 8 + (Math.min(index, 255) - 232) * 10;
    return hexColor([grey, grey, grey]);
  }
  const cube = index - 16;
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  return hexColor([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

function hexColor(parts: readonly number[]): string {
  const hex = [0, 1, 2].map((index) => {
    const value = Math.min(255, Math.max(0, Math.trunc(parts[index] ?? 0) || 0));
    return value.toString(16).padStart(2, "0");
  });
  return `#${hex.join("")}`;
}
