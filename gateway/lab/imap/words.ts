/**
 * What the server writes: strings in the forms that RFC 3501 section 9 allows. Text is latin-1, a character
 * a byte.
 */

/** Quoted where that is allowed, else a literal. */
export function string(text: string): string {
  const isQuotable = text.length <= quotedBytesMax && /^[\x20-\x7e]*$/.test(text);
  return isQuotable ? `"${text.replace(/[\\"]/g, '\\$&')}"` : `{${text.length}}\r\n${text}`;
}

export function nstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : string(text);
}

/** A folder's name: an atom where it can be one. */
export function astring(text: string): string {
  return /^[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/.test(text) && text.toUpperCase() !== 'NIL'
    ? text
    : string(text);
}

const quotedBytesMax = 1_000;
