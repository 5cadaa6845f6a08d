/** What the server writes: strings in the forms that RFC 5804 section 4 allows. Text is Unicode. */

/** Quoted where that is allowed, else a literal. */
export function string(text: string): string {
  const isQuotable = text.length <= quotedCharsMax && !/[\0\r\n]/.test(text);
  return isQuotable ? `"${text.replace(/[\\"]/g, '\\$&')}"` : literal(text);
}

/** A script always goes out so. */
export function literal(text: string): string {
  return `{${Buffer.byteLength(text)}}\r\n${text}`;
}

export function ok(text: string, code?: string): string {
  return `OK ${coded(text, code)}`;
}

/** RFC 5804 section 1.3 has the codes. */
export function no(text: string, code?: string): string {
  return `NO ${coded(text, code)}`;
}

function coded(text: string, code: string | undefined): string {
  return code === undefined ? string(text) : `(${code}) ${string(text)}`;
}

const quotedCharsMax = 1_000;
