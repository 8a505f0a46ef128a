/** A text as its reader sees it, with the way back to where each character was written. */
export interface Normalised {
  readonly text: string;
  /** Where the character at this place begins in the original, in UTF-16 units. */
  readonly startOf: (index: number) => number;
  /** Where it ends there. */
  readonly endOf: (index: number) => number;
}

/**
 * Folds away what hides a number from a pattern and from nobody who reads it:
 * other scripts' digits and full-width forms (NFKC), zero-width characters,
 * dashes, spaces and dots of every kind, the escapes of JSON (at any depth of
 * quoting) and of URLs. Plain ASCII costs one look.
 */
export function normalise(original: string): Normalised {
  if (/^[^\\%\u0080-\uffff]*$/.test(original))
    return { text: original, startOf: (index) => index, endOf: (index) => index + 1 };
  const starts: number[] = [];
  const ends: number[] = [];
  let text = '';
  let position = 0;
  while (position < original.length) {
    const { shown, length } = readOne(original, position);
    for (let unit = 0; unit < shown.length; unit += 1) {
      starts.push(position);
      ends.push(position + length);
    }
    text += shown;
    position += length;
  }
  return {
    text,
    startOf: (index) => starts[index] ?? original.length,
    endOf: (index) => ends[index] ?? original.length,
  };
}

interface Read {
  readonly shown: string;
  /** UTF-16 units of the original. */
  readonly length: number;
}

const escape = /\\+(?:u(?<hex>[0-9a-fA-F]{4})|(?<letter>[nrtbfv"/]))|%(?<percent>40|2[bB]|20)/y;

function readOne(original: string, position: number): Read {
  const unit = original.charCodeAt(position);
  if (unit === 0x5c || unit === 0x25) {
    escape.lastIndex = position;
    const match = escape.exec(original);
    if (match === null) return { shown: original.charAt(position), length: 1 };
    const { hex, letter, percent } = match.groups ?? {};
    const [{ length }] = match;
    if (hex !== undefined) return { shown: show(Number.parseInt(hex, 16)), length };
    if (percent !== undefined) return { shown: String.fromCharCode(Number.parseInt(percent, 16)), length };
    return { shown: letter === '"' || letter === '/' ? letter : ' ', length };
  }
  if (unit < 0x80) return { shown: original.charAt(position), length: 1 };
  const codePoint = original.codePointAt(position) ?? unit;
  return { shown: show(codePoint), length: codePoint > 0xffff ? 2 : 1 };
}

/** Few characters of few scripts are ever seen; a full memory starts anew. */
const SHOWN_MAX = 4_096;
const shownAs = new Map<number, string>();

function show(codePoint: number): string {
  const known = shownAs.get(codePoint);
  if (known !== undefined) return known;
  if (shownAs.size >= SHOWN_MAX) shownAs.clear();
  const shown = fold(String.fromCodePoint(codePoint));
  shownAs.set(codePoint, shown);
  return shown;
}

function fold(character: string): string {
  // Format characters, variation selectors and the keycap's frame take no room on a screen.
  if (/^[\p{Cf}\u{fe00}-\u{fe0f}\u20e3\u034f]$/u.test(character)) return '';
  if (/^[\p{Zs}\p{Zl}\p{Zp}]$/u.test(character)) return ' ';
  if (/^[\p{Pd}\u2212]$/u.test(character)) return '-';
  if (/^[·•∙⋅・。]$/u.test(character)) return '.';
  const compatible = character.normalize('NFKC');
  return /^\p{Nd}$/u.test(compatible) && !/^\d$/.test(compatible) ? digitOf(compatible) : compatible;
}

/** Unicode keeps each script's ten digits in one row, 0 first (The Unicode Standard, 4.6). */
function digitOf(character: string): string {
  let before = 0;
  let codePoint = character.codePointAt(0) ?? 0;
  while (before < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(codePoint - 1))) {
    codePoint -= 1;
    before += 1;
  }
  return String(before);
}
