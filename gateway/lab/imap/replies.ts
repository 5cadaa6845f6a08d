/** The tagged words that end a command. */

export const capabilities =
  'IMAP4rev1 LITERAL+ SASL-IR ID NAMESPACE IDLE UIDPLUS UNSELECT CHILDREN MOVE AUTH=PLAIN';

export function ok(text: string, code?: string): string {
  return `OK ${coded(text, code)}`;
}

export function no(text: string, code?: string): string {
  return `NO ${coded(text, code)}`;
}

export function bad(text: string): string {
  return `BAD ${text}`;
}

/** RFC 5530 section 3. */
export function notServed(): string {
  return no('the active copy is not here any more', 'UNAVAILABLE');
}

function coded(text: string, code: string | undefined): string {
  return code === undefined ? text : `[${code}] ${text}`;
}
