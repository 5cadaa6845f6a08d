/**
 * The script that logs a POP3 session in to a server: greeting, STLS, XCLIENT, and the login by what the
 * server's CAPA offered. The client's last words are the server's own +OK.
 *
 * POP3 has no literals: a password that a server could read otherwise than the client meant it goes in
 * base64 (V35). The engine plays the script.
 */
import { type Rule, type Step, encodeScript, scriptBytesMax } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import { accept, expect, fail, refuse, send } from '#model/script-steps';
import type { ClientFacts, HandoffPlan, HandoffTimeouts, Refusal } from '../front.ts';
import { type KnownOffer, type NoWay, knownOffer, noMechanism } from '../offer.ts';
import { isStoreTrouble, printable } from '../refusal.ts';
import { type Login, type Proof, encodeBase64, saslMessageOf } from '../sasl.ts';
import { xclientArguments } from '../xclient.ts';
import { replies } from './replies.ts';

/** The plan for one login on one server; it depends on what the server offers. */
export function planPop3Handoff(
  login: Login,
  server: ServerProtocolRoute,
  client: ClientFacts,
  timeouts: HandoffTimeouts,
): HandoffPlan {
  const steps = loginSteps(login.proof, knownOffer(server.offer), timeouts.loginTimeoutMs);
  if ('is' in steps) return steps;
  const script = encodeScript([...openingSteps(server, client, timeouts.greetingTimeoutMs), ...steps]);
  // What the engine lets a client say on a line fits; an encoded message is a third longer than its bytes.
  if (script.length > scriptBytesMax) return { is: 'unsupported', reply: replies.tooBig };
  return { is: 'script', script };
}

function openingSteps(server: ServerProtocolRoute, client: ClientFacts, timeoutMs: number): Step[] {
  const greeting = expect(timeoutMs, [accept('+OK'), fail('-ERR')]);
  return [greeting, ...startTlsSteps(server, timeoutMs), ...xclientSteps(server, client, timeoutMs)];
}

function startTlsSteps(server: ServerProtocolRoute, timeoutMs: number): Step[] {
  if (server.endpoint.tls !== 'starttls') return [];
  return [send('STLS\r\n'), expect(timeoutMs, [accept('+OK'), fail('-ERR')]), { step: 'startTls' }];
}

/** A server that dislikes it still gets the login. */
function xclientSteps(server: ServerProtocolRoute, client: ClientFacts, timeoutMs: number): Step[] {
  const told = xclientArguments(server, client);
  if (told === undefined) return [];
  return [send(`XCLIENT ${told}\r\n`), expect(timeoutMs, [accept('+OK'), accept('-ERR')])];
}

function loginSteps(proof: Proof, offer: KnownOffer, timeoutMs: number): Step[] | NoWay {
  if (proof.by === 'password') return passwordSteps(proof, offer, timeoutMs);
  if (offer.mechanisms.has(saslMessageOf(proof).mechanism)) return authSteps(proof, timeoutMs);
  return noMechanism(offer, replies.unsupportedMechanism);
}

type Password = Extract<Proof, { by: 'password' }>;

/** USER and PASS where both may be said as they are, or there is no other way; else AUTH PLAIN. */
function passwordSteps(proof: Password, offer: KnownOffer, timeoutMs: number): Step[] | NoWay {
  const hasPlain = offer.mechanisms.has('PLAIN');
  // RFC 1939 knows no CAPA: a server of which nothing is known is spoken to in the oldest way.
  const hasUser = offer.has('USER') || !offer.isKnown;
  if (!hasUser && !hasPlain)
    return { is: 'impossible', why: 'the server offers neither USER nor AUTH=PLAIN' };
  if (hasPlain && !(hasUser && isPlainText(proof))) return authSteps(proof, timeoutMs);
  // A password from SASL may have what ends a line: no such line can carry it.
  if (/[\r\n]/.test(proof.password)) return { is: 'unsupported', reply: replies.authenticationFailed };
  return userSteps(proof, offer, timeoutMs);
}

/** Text that every server reads alike: ASCII, no space at its ends, none in the name, nothing empty. */
function isPlainText({ user, password }: Password): boolean {
  return /^[\x21-\x7e]+$/.test(user) && /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(password);
}

/** RFC 2449 section 6.6: both go at once where the server takes commands ahead. */
function userSteps({ user, password }: Password, offer: KnownOffer, timeoutMs: number): Step[] {
  const taken = expect(timeoutMs, [accept('+OK'), refuse('-ERR')]);
  const [name, secret] = [`USER ${user}\r\n`, `PASS ${password}\r\n`];
  const said = offer.has('PIPELINING') ? [send(name + secret), taken] : [send(name), taken, send(secret)];
  return [...said, expect(timeoutMs, verdictRules)];
}

/** The message waits to be asked for: not every server takes one behind AUTH (RFC 1734 knew none). */
function authSteps(proof: Proof, timeoutMs: number): Step[] {
  const { mechanism, message } = saslMessageOf(proof);
  return [
    send(`AUTH ${mechanism}\r\n`),
    expect(timeoutMs, [fail('+OK'), accept('+'), refuse('-ERR')]),
    send(`${encodeBase64(message)}\r\n`),
    expect(timeoutMs, verdictRules),
  ];
}

/** A challenge behind a token is its error text (RFC 7628 section 3.2.2): a refusal. */
const verdictRules: readonly Rule[] = [accept('+OK', 'final'), refuse('-ERR'), refuse('+')];

/**
 * What a refusal means for the client. The uniform answer hides whether the user exists; a mailbox that is in
 * use, or a server in trouble, is no wrong password.
 */
export function pop3RefusalOf(serverLine: string): Refusal {
  const failed: Refusal = { is: 'reply', text: replies.authenticationFailed };
  if (isStoreTrouble(serverLine.replace(/^-ERR /i, ''))) return { is: 'temporary' };
  const [, code = '', text = ''] = refusalForm.exec(serverLine) ?? [];
  const upper = code.toUpperCase();
  switch (upper) {
    case 'SYS/TEMP':
      return { is: 'temporary' };
    case 'IN-USE':
    case 'LOGIN-DELAY':
      return { is: 'temporary', lastWords: replies.refused(upper, printable(text)) };
    case 'SYS/PERM':
      return { is: 'reply', text: replies.refused(upper, printable(text)) };
    default:
      return failed;
  }
}

/** RFC 2449 section 8: a code of letters, digits, slashes and hyphens. */
const refusalForm = /^-ERR \[([A-Za-z0-9/-]+)\] ?(.*)$/i;
