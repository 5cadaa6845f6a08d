/** ENVELOPE, BODY and BODYSTRUCTURE of a parsed message (RFC 3501 section 7.4.2). */
import { formatAddresses, parseAddresses } from './addresses.ts';
import { type ContentValue, type Part, contentValueOf, fieldOf } from './mime.ts';
import { nstring, string } from './words.ts';

export function formatEnvelope(part: Part): string {
  const addresses = (name: string) => formatAddresses(parseAddresses(fieldOf(part, name) ?? ''));
  const from = addresses('from');
  // Without Sender or Reply-To, From stands in their place.
  const orFrom = (name: string) => (fieldOf(part, name) ? addresses(name) : from);
  const text = (name: string) => nstring(fieldOf(part, name));
  const people = [from, orFrom('sender'), orFrom('reply-to'), ...['to', 'cc', 'bcc'].map(addresses)];
  const ids = [text('in-reply-to'), text('message-id')];
  return `(${[text('date'), text('subject'), ...people, ...ids].join(' ')})`;
}

/** `isExtended`: BODYSTRUCTURE, else BODY. */
export function formatStructure(bytes: Buffer, part: Part, isExtended: boolean): string {
  const [type = 'text', subtype = 'plain'] = part.type.value.split('/');
  if (part.children.length > 0) return formatMultipart(bytes, part, isExtended);
  const { parameters } = part.type;
  const encoding = fieldOf(part, 'content-transfer-encoding')?.toUpperCase() ?? '7BIT';
  const basic = [
    string(type.toUpperCase()),
    string(subtype.toUpperCase()),
    formatParameters(parameters.size === 0 && type === 'text' ? usualParameters : parameters),
    nstring(fieldOf(part, 'content-id')),
    nstring(fieldOf(part, 'content-description')),
    string(encoding),
    String(part.end - part.bodyAt),
  ];
  if (part.message !== undefined) {
    basic.push(formatEnvelope(part.message), formatStructure(bytes, part.message, isExtended));
  }
  if (part.message !== undefined || type === 'text') basic.push(String(countLines(bytes, part)));
  if (isExtended) basic.push(nstring(fieldOf(part, 'content-md5')), formatExtension(part));
  return `(${basic.join(' ')})`;
}

function formatMultipart(bytes: Buffer, part: Part, isExtended: boolean): string {
  const children = part.children.map((child) => formatStructure(bytes, child, isExtended)).join('');
  const subtype = string((part.type.value.split('/')[1] ?? 'mixed').toUpperCase());
  if (!isExtended) return `(${children} ${subtype})`;
  return `(${children} ${subtype} ${formatParameters(part.type.parameters)} ${formatExtension(part)})`;
}

/** Disposition, language and location, which end both kinds of part. */
function formatExtension(part: Part): string {
  const disposition = contentValueOf(fieldOf(part, 'content-disposition'));
  const languages = fieldOf(part, 'content-language')
    ?.split(',')
    .map((each) => string(each.trim()));
  const language =
    languages === undefined ? 'NIL' : languages.length === 1 ? languages[0] : `(${languages.join(' ')})`;
  return `${formatDisposition(disposition)} ${language} ${nstring(fieldOf(part, 'content-location'))}`;
}

function formatDisposition(disposition: ContentValue | undefined): string {
  if (disposition === undefined) return 'NIL';
  return `(${string(disposition.value.toUpperCase())} ${formatParameters(disposition.parameters)})`;
}

function formatParameters(parameters: ReadonlyMap<string, string>): string {
  if (parameters.size === 0) return 'NIL';
  const pairs = [...parameters].map(([name, value]) => `${string(name.toUpperCase())} ${string(value)}`);
  return `(${pairs.join(' ')})`;
}

function countLines(bytes: Buffer, part: Part): number {
  let lines = 0;
  for (let at = bytes.indexOf(0x0a, part.bodyAt); at >= 0 && at < part.end; at = bytes.indexOf(0x0a, at + 1))
    lines += 1;
  return lines;
}

const usualParameters = new Map([['charset', 'us-ascii']]);
