/**
 * Makes foreign text harmless in a log line or on a terminal: what clients and servers sent must not be able
 * to start a line, move a cursor, or turn the reading direction.
 */

/** Bytes of one field of a log line; what is longer was not written by a person. */
export const fieldBytesMax = 256;

/**
 * The text with control characters (C0, DEL, C1), line and paragraph separators, bidirectional marks and lone
 * surrogates written as `\uXXXX`, and at most `bytesMax` bytes of UTF-8; a cut text ends in `…`.
 */
export function safeText(text: string, bytesMax: number = fieldBytesMax): string {
  // A character takes at least one byte, so what lies behind bytesMax characters can't be shown.
  const shown = text.slice(0, bytesMax + 1).replace(unsafe, escaped);
  return bounded(shown, bytesMax);
}

function bounded(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let bytes = Buffer.byteLength(ellipsis);
  let cut = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    cut += character;
  }
  return cut + ellipsis;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const ellipsis = '…';

/**
 * A surrogate without its other half is no character: it would become U+FFFD, or break a reader of the log.
 */
const loneSurrogate = '[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]';
const controls = '\\u0000-\\u001f\\u007f-\\u009f';
// Unicode's Bidi_Control (061C, 200E-200F, 202A-202E, 2066-2069), what separates lines (2028-2029), and what
// does not show at all (200B-200D, 2060-206F, FEFF).
const bidiAndUnseen = '\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff';
const unsafe = new RegExp(`[${controls}${bidiAndUnseen}]|${loneSurrogate}`, 'g');
