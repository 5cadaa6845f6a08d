/** Parses the text of one setting into its value. What must hold between settings is checked in parse.ts. */
import { isIP } from 'node:net';
import { unreachable } from '#lib/assert';
import type { LoginProtocol } from '#model/protocol';
import { isReserved } from '#model/reserved-words';
import { saslMechanisms } from '#model/sasl-mechanism';
import { didYouMean } from './did-you-mean.ts';
import { parseNetwork } from './network.ts';
import { secretOf } from './secret.ts';
import type { ListenAddress, Secret } from './settings.ts';
import type { SettingType } from './setting-row.ts';

export type Value = number | boolean | string | readonly string[] | ListenAddress | Secret;

export type Parsed = { readonly value: Value } | Trouble;

/** `problem` goes behind the setting's name, `mend` says what to write. */
export interface Trouble {
  readonly problem: string;
  readonly mend: string;
}

/**
 * Durations come out in milliseconds; names and pins in lower case, capabilities in upper case; words, paths,
 * addresses and networks as written.
 */
export function parseValue(type: SettingType, text: string): Parsed {
  switch (type.is) {
    case 'duration':
      return parseDuration(text, type);
    case 'whole':
      return parseWhole(text, type);
    case 'flag':
      return parseFlag(text);
    case 'word':
      return parseWord(text, type.words);
    case 'words':
      return parseList(text, (item) => parseWord(item, type.words));
    case 'name':
      return parseName(text);
    case 'names':
      return parseList(text, parseName);
    case 'path':
      return parsePath(text);
    case 'paths':
      return parseList(text, parsePath);
    case 'address':
      return parseAddress(text);
    case 'addresses':
      return parseList(text, parseAddress);
    case 'networks':
      return parseList(text, parseNetwork);
    case 'addressPort':
      return parseAddressPort(text);
    case 'hostname':
      return parseHostname(text);
    case 'pins':
      return parseList(text, parsePin);
    case 'capabilities':
      return parseList(text, (item) => parseCapability(item, type.protocol));
    case 'secret':
      return parseSecret(text, type.lengthMin);
    default:
      return unreachable(type);
  }
}

/** Milliseconds as they would be written: "90s", "35m", "1h", "250ms". */
export function formatDuration(ms: number): string {
  const unit = [...unitMs].reverse().find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / unit[1]}${unit[0]}`;
}

function parseDuration(text: string, { minMs, maxMs }: { minMs: number; maxMs: number }): Parsed {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const size = match === null ? undefined : new Map(unitMs).get(match[2] ?? '');
  if (match === null || size === undefined) {
    return trouble(
      `is "${text}", which is no duration`,
      'write a whole number and its unit: 500ms, 30s, 35m, 1h',
    );
  }
  const ms = Number(match[1]) * size;
  const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return ms < minMs || ms > maxMs ? trouble(`is ${text}`, `write a duration from ${range}`) : { value: ms };
}

function parseWhole(text: string, { min, max }: { min: number; max: number }): Parsed {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return { value };
  return trouble(`is "${text}"`, `write a whole number from ${min} to ${max}`);
}

function parseFlag(text: string): Parsed {
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  return trouble(`is "${text}"`, 'write true or false');
}

function parseWord(text: string, words: readonly string[]): Parsed {
  if (words.includes(text)) return { value: text };
  const meant = didYouMean(text, words);
  const list = words.length === 1 ? `only ${words[0]} is known` : `write one of ${words.join(', ')}`;
  return trouble(`has "${text}"`, meant === undefined ? list : `did you mean ${meant}? (${list})`);
}

function parseName(text: string): Parsed {
  const name = text.toLowerCase();
  if (/^[a-z0-9]([a-z0-9 ._-]{0,62}[a-z0-9])?$/.test(name)) return { value: name };
  return trouble(
    `has the name "${text}"`,
    'use letters, digits, "-", "_" and ".", 64 at most, a letter or digit first and last',
  );
}

function parsePath(text: string): Parsed {
  if (text.startsWith('/') && !text.includes('\0')) return { value: text };
  return trouble(`has "${text}"`, 'write the whole path, from /');
}

function parseAddress(text: string): Parsed {
  if (isIP(text) !== 0) return { value: text };
  return trouble(
    `has "${text}", which is no IP address`,
    'write an IPv4 or IPv6 address, such as 10.1.0.11 or fd00::11',
  );
}

function parseAddressPort(text: string): Parsed {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const wantedVersion = match?.[1] === undefined ? 4 : 6;
  if (isIP(host) === wantedVersion && port <= 65535) return { value: { host, port } };
  return trouble(`is "${text}"`, 'write an IP address and a port: 10.1.0.21:8453 or [fd00::21]:8453');
}

function parseHostname(text: string): Parsed {
  // RFC 1123 section 2.1: labels of letters, digits and hyphens, 63 at most; RFC 1035: 253 in all.
  const labels = text.split('.');
  const isName =
    text.length <= 253 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  if (isName && isIP(text) === 0) return { value: text.toLowerCase() };
  return trouble(`is "${text}", which is no host name`, 'write a name such as ex1.corp.example');
}

/** As `openssl x509 -fingerprint -sha256` prints it, and as other programs do. */
function parsePin(text: string): Parsed {
  const digits = text
    .replace(/^sha-?256:/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return { value: digits };
  return trouble(
    `has "${text.slice(0, 100)}", which is no SHA-256`,
    'write the 64 hexadecimal digits that openssl x509 -noout -fingerprint -sha256 prints for it',
  );
}

/**
 * RFC 9051 section 9: a capability is an atom, or AUTH= and one; other protocols' fit into that.
 */
function parseCapability(text: string, protocol: LoginProtocol): Parsed {
  const name = text.toUpperCase();
  if (!/^[A-Z0-9][A-Z0-9+=_.:;/|-]{0,63}$/.test(name))
    return trouble(`has "${text}", which is no capability`, 'write names such as IDLE or AUTH=XOAUTH2');
  if (isReserved(protocol, name))
    return trouble(`has ${name}, which is not for a setting to offer`, 'leave it out');
  if (/^SIZE=(?![0-9]{1,20}$)/.test(name))
    return trouble(`has ${name}, which is no size`, 'write a number of bytes, as in SIZE=37748736');
  const mechanism = /^AUTH=(.*)$/.exec(name)?.[1];
  if (mechanism === undefined || saslMechanisms.some((known) => known === mechanism)) return { value: name };
  const known = saslMechanisms.map((each) => `AUTH=${each}`);
  const meant = didYouMean(name, known);
  const list = `Postern speaks ${known.join(', ')}`;
  return trouble(`has ${name}`, meant === undefined ? list : `did you mean ${meant}? (${list})`);
}

/** The text of a secret never comes back in a problem. */
function parseSecret(text: string, lengthMin: number): Parsed {
  if (text.length >= lengthMin) return { value: secretOf(text) };
  return trouble(`has ${text.length} characters`, `use ${lengthMin} or more`);
}

function parseList(text: string, parseItem: (item: string) => Parsed): Parsed {
  const values: string[] = [];
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') return trouble('has an empty item', 'write the items with one comma between them');
    const parsed = parseItem(item);
    if ('problem' in parsed) return parsed;
    const value = String(parsed.value);
    if (values.includes(value)) return trouble(`has ${value} twice`, 'leave one of them out');
    values.push(value);
  }
  return { value: values };
}

function trouble(problem: string, mend: string): Trouble {
  return { problem, mend };
}

const unitMs: readonly (readonly [string, number])[] = [
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
];
