// Characters and places in a text, as the readers need them.

export const TAB: i32 = 0x09;
export const LF: i32 = 0x0a;
export const CR: i32 = 0x0d;
export const SPACE: i32 = 0x20;
export const COMMA: i32 = 0x2c;
export const ZERO: i32 = 0x30;

/** Characters of a text that a message repeats. */
const QUOTE_MAX: i32 = 32;

@inline
export function isBlank(c: i32): bool {
  return c == SPACE || c == TAB || c == LF || c == CR;
}

@inline
export function isDigit(c: i32): bool {
  return <u32>(c - ZERO) < 10;
}

/** Index of the line's end: of its LF or CR LF, or the end of the text. */
export function lineEnd(text: string, start: i32): i32 {
  let end = text.indexOf("\n", start);
  if (end < 0) end = text.length;
  return end > start && text.charCodeAt(end - 1) == CR ? end - 1 : end;
}

/** Index behind the line's LF or CR LF, given its end. */
export function nextLine(text: string, end: i32): i32 {
  if (end < text.length && text.charCodeAt(end) == CR) ++end;
  return min(end + 1, text.length);
}

/** The piece in quotation marks, shortened. The host escapes what cannot be shown. */
export function quote(text: string, start: i32, end: i32): string {
  const shown = text.substring(start, min(end, start + QUOTE_MAX));
  return end - start > QUOTE_MAX ? `"${shown}..."` : `"${shown}"`;
}
