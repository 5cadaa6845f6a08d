/**
 * SMTP's grammar as far as a client may speak it before its login. Lines come without their end; the engine
 * lets none with a CR, LF or NUL in it through. What a command is for is preamble.ts's.
 */

/** The command in capitals: what stands before the first space. */
export function verbOf(line: string): string {
  const end = line.indexOf(' ');
  return (end < 0 ? line : line.slice(0, end)).toUpperCase();
}

/**
 * What of a line the dialogue judges: printable ASCII. Undefined for what is no command text; a library would
 * take letters of other alphabets for those that they resemble.
 * - What follows AUTH may be a password: only the SASL exchange sees it.
 * - A client's own name may be anything. Programs take the computer's, with its umlauts and spaces, and that
 *   is no reason to take no mail (RFC 5321 section 4.1.4).
 */
export function judgedText(line: string): string | undefined {
  const verb = verbOf(line);
  switch (verb) {
    case 'AUTH':
      return verb;
    case 'EHLO':
    case 'HELO':
      return line.slice(verb.length).trim() === '' ? verb : `${verb} ${clientNameOf(line) ?? 'unknown'}`;
    default:
      return commandText.test(line) ? line : undefined;
  }
}

export interface AuthArguments {
  /** As the client wrote it. */
  readonly mechanism: string;
  /**
   * Base64, or `=` for an empty one (RFC 4954 section 4); undefined where the client sent none. Not
   * decoded.
   */
  readonly initialResponse: string | undefined;
}

/** RFC 4954 section 8; RFC 5321 section 4.1.1 wants spaces before the line's end forgiven. */
export function parseAuth(line: string): AuthArguments | undefined {
  const [, mechanism, initialResponse] = authForm.exec(line) ?? [];
  return mechanism === undefined ? undefined : { mechanism, initialResponse };
}

/**
 * The name in EHLO, where it is one that a server takes: a domain or an address literal (RFC 5321 section
 * 4.1.3).
 */
export function clientNameOf(line: string): string | undefined {
  const name = line.slice(verbOf(line).length).trim();
  return isDomain(name) || isAddressLiteral(name) ? name : undefined;
}

/** RFC 5321 section 4.1.2 with RFC 1035's sizes: labels of at most 63 letters, digits and inner hyphens. */
function isDomain(name: string): boolean {
  return name.length <= domainBytesMax && name.split('.').every((label) => labelForm.test(label));
}

function isAddressLiteral(name: string): boolean {
  const [, ipv6, ipv4] = literalForm.exec(name) ?? [];
  if (ipv6 !== undefined) return isIpv6(ipv6);
  return ipv4 !== undefined && isIpv4(ipv4);
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) <= 255);
}

/** RFC 4291 section 2.2: eight groups, `::` once for two or more of them, the last two as an IPv4 address. */
function isIpv6(text: string): boolean {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return false;
  const groups = [...groupsOf(head), ...groupsOf(tail ?? '')];
  const [last = ''] = groups.slice(-1);
  const hasIpv4 = last.includes('.');
  const plain = hasIpv4 ? groups.slice(0, -1) : groups;
  const count = plain.length + (hasIpv4 ? 2 : 0);
  const fits = tail === undefined ? count === 8 : count <= 6;
  return fits && (!hasIpv4 || isIpv4(last)) && plain.every((group) => /^[0-9a-f]{1,4}$/i.test(group));
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}

/**
 * RFC 3461 section 4: xtext. What is no printable ASCII, `+` and `=` are written as `+` and two hexadecimal
 * digits, so that no value of ours ends an attribute or a line (V23).
 */
export function xtext(value: string): string {
  return value.replace(/[^!-~]|[+=]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase();
    return `+${code.padStart(2, '0')}`;
  });
}

const commandText = /^[\x20-\x7e]*$/;
const authForm = /^AUTH +([A-Za-z0-9_-]{1,20})(?: +([^ ]+))? *$/i;
const labelForm = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const literalForm = /^\[(?:IPv6:([0-9a-f:.]{2,45})|([0-9.]{7,15}))\]$/i;
const domainBytesMax = 253;
