/**
 * A message as it goes over the wire (RFC 1939 section 3): lines that end with CRLF, a dot more where one
 * starts with a dot. Text is latin-1, a character a byte. Pure.
 */

/** Every line ends with CRLF, the last one too: a bare LF would hide a dot at the start of its line. */
export function wireText(bytes: Buffer): string {
  const text = bytes.toString('latin1').replace(/\r?\n/g, '\r\n');
  return text.endsWith('\r\n') ? text : `${text}\r\n`;
}

/** The length of `wireText`, without making it. */
export function wireSize(bytes: Buffer): number {
  let size = bytes.length;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at - 1] !== 0x0d) size += 1;
  }
  return bytes.at(-1) === 0x0a ? size : size + 2;
}

/** The header, the empty line behind it, and so many lines of the body. */
export function topOf(text: string, lines: number): string {
  const headerEnd = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n') + 2;
  if (headerEnd === 1) return text;
  let end = headerEnd + 2;
  for (let line = 0; line < lines && end < text.length; line += 1) end = text.indexOf('\r\n', end) + 2;
  return text.slice(0, end);
}

/** The lines and the dot that ends them. */
export function multiLine(text: string): string {
  return `${text.replace(/(^|\n)\./g, '$1..')}.`;
}
