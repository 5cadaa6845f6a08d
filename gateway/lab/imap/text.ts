/**
 * What a reader of a message would see, for SEARCH: encoded words, transfer encodings and charsets undone,
 * lower case.
 */
import { type Part, fieldOf } from './mime.ts';

/** A header's value with its encoded words (RFC 2047) decoded. */
export function headerText(value: string): string {
  const joined = value.replace(/(=\?[^?\s]+\?[QqBb]\?[^?\s]*\?=)\s+(?==\?)/g, '$1');
  const decoded = joined.replace(
    /=\?([^?\s*]+)[^?\s]*\?([QqBb])\?([^?\s]*)\?=/g,
    (_, charset: string, form: string, text: string) => {
      const bytes =
        form.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : fromQuoted(text.replace(/_/g, ' '));
      return decodeCharset(bytes, charset);
    },
  );
  // What stood outside of encoded words is bytes, perhaps UTF-8 (RFC 6532).
  return (decoded === joined ? decodeCharset(Buffer.from(value, 'latin1'), 'utf-8') : decoded).toLowerCase();
}

/** All text parts below the part. */
export function bodyText(bytes: Buffer, part: Part): string {
  if (part.children.length > 0) return part.children.map((child) => bodyText(bytes, child)).join('\n');
  if (part.message !== undefined) return `${allHeaders(part.message)}\n${bodyText(bytes, part.message)}`;
  if (!part.type.value.startsWith('text/')) return '';
  const raw = bytes.subarray(part.bodyAt, part.end);
  const encoding = fieldOf(part, 'content-transfer-encoding')?.toLowerCase();
  return decodeCharset(
    withoutEncoding(raw, encoding),
    part.type.parameters.get('charset') ?? 'utf-8',
  ).toLowerCase();
}

/** Every header field, one a line. */
export function allHeaders(part: Part): string {
  return part.fields.map((field) => `${field.name.toLowerCase()}: ${headerText(field.value)}`).join('\n');
}

function withoutEncoding(raw: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'base64') return Buffer.from(raw.toString('latin1'), 'base64');
  if (encoding === 'quoted-printable') return fromQuoted(raw.toString('latin1').replace(/=[ \t]*\r?\n/g, ''));
  return raw;
}

function fromQuoted(text: string): Buffer {
  const plain = text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1');
}

/** A charset that nobody knows reads as latin-1. */
function decodeCharset(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
