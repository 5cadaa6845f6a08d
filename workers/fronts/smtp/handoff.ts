/**
 * The script that logs a submission session in to a server: greeting, EHLO, STARTTLS and EHLO again,
 * XCLIENT and EHLO again, AUTH. The server's own 235 is the client's answer, after which the client goes on
 * as if it had said all that to the server: RFC 4954 section 4 keeps what stood before AUTH, so the client
 * says no EHLO again.
 *
 * Secrets travel as base64 only (V35). The engine plays the script.
 */
import { type Rule, type Step, encodeScript } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import { accept, expect, fail, refuse, send, skip } from '#model/script-steps';
import type { ClientFacts, HandoffPlan, HandoffTimeouts, Refusal } from '../front.ts';
import { type KnownOffer, type NoWay, knownOffer, noMechanism, valuesOf } from '../offer.ts';
import { wantsPrivacy } from '../refusal.ts';
import { type Login, type SaslMessage, encodeBase64, saslMessageOf } from '../sasl.ts';
import { xtext } from './grammar.ts';
import { replies } from './replies.ts';

/**
 * The plan for one login on one server; it depends on what the server offers. The login's tag is the EHLO
 * name.
 */
export function planSubmissionHandoff(
  login: Login,
  server: ServerProtocolRoute,
  client: ClientFacts,
  timeouts: HandoffTimeouts,
): HandoffPlan {
  const auth = authSteps(login, knownOffer(server.offer), timeouts.loginTimeoutMs);
  if ('is' in auth) return auth;
  const { greetingTimeoutMs } = timeouts;
  const steps = [...openingSteps(login.tag, server, greetingTimeoutMs)];
  const xclient = xclientCommand(login.tag, server, client);
  if (xclient !== undefined) steps.push(...xclientSteps(xclient, login.tag, greetingTimeoutMs));
  return { is: 'script', script: encodeScript([...steps, ...auth]) };
}

function openingSteps(name: string, server: ServerProtocolRoute, timeoutMs: number): Step[] {
  const ehlo = ehloSteps(name, timeoutMs);
  const clear = [expect(timeoutMs, answerRules('220')), ...ehlo];
  if (server.endpoint.tls !== 'starttls') return clear;
  // No secret before it; nothing that was offered in clear counts behind it (V02, V04).
  return [...clear, ...commandSteps('STARTTLS', timeoutMs, '220'), { step: 'startTls' }, ...ehlo];
}

function ehloSteps(name: string, timeoutMs: number): Step[] {
  return commandSteps(`EHLO ${name}`, timeoutMs, '250');
}

function commandSteps(command: string, timeoutMs: number, code: string): Step[] {
  return [send(`${command}\r\n`), expect(timeoutMs, answerRules(code))];
}

/**
 * The server begins anew: it greets, and knows no EHLO (Postfix, XCLIENT_README). One that dislikes XCLIENT
 * still gets the login.
 */
function xclientSteps(command: string, name: string, timeoutMs: number): Step[] {
  const rules = [skip('220-'), accept('220'), accept('5'), fail('')];
  return [send(`${command}\r\n`), expect(timeoutMs, rules), ...ehloSteps(name, timeoutMs)];
}

/**
 * Who the client is, for a server that trusts us with it: only with the attributes that it offers, and
 * never LOGIN, which would log in without a password. What we can't say is said to be so, or the server
 * would take our own facts for the client's (V23). Undefined where the server takes no XCLIENT from us.
 */
function xclientCommand(name: string, server: ServerProtocolRoute, client: ClientFacts): string | undefined {
  if (server.identity !== 'xclient') return undefined;
  const facts = xclientFacts(name, client);
  const attributes = valuesOf(server.offer.capabilities, 'XCLIENT').flatMap((attribute) => {
    const value = facts[attribute];
    return value === undefined ? [] : [`${attribute}=${value}`];
  });
  return attributes.length === 0 ? undefined : `XCLIENT ${attributes.join(' ')}`;
}

function xclientFacts(name: string, client: ClientFacts): Readonly<Record<string, string>> {
  return {
    NAME: unavailable,
    // A NAME that is unavailable leaves the reverse name as it was: ours.
    REVERSE_NAME: unavailable,
    ADDR: addressValue(client.clientIp),
    PORT: factValue(client.clientPort),
    PROTO: 'ESMTP',
    HELO: factValue(name),
    DESTADDR: addressValue(client.localIp),
    DESTPORT: factValue(client.localPort),
    // Dovecot's own: its log names the session as ours does, and no two gateways send a session round for
    // ever.
    SESSION: factValue(client.sessionId),
    TTL: '5',
  };
}

function addressValue(ip: string): string {
  return factValue(ip.includes(':') ? `IPV6:${ip}` : ip);
}

function factValue(fact: string): string {
  return fact === '-' || fact === '' ? unavailable : xtext(fact);
}

const unavailable = '[UNAVAILABLE]';

/**
 * A client may choose any mechanism that carries a password, and the server gets it by PLAIN or else by
 * LOGIN, whichever it offers. A token goes on exactly as it came.
 */
function authSteps(login: Login, offer: KnownOffer, timeoutMs: number): Step[] | NoWay {
  const { proof } = login;
  const message = saslMessageOf(proof);
  if (offer.mechanisms.has(message.mechanism)) return messageSteps(message, timeoutMs);
  // LOGIN has no place for a token, nor for a second name.
  if (proof.by !== 'password') return noMechanism(offer, replies.unsupportedMechanism);
  if (offer.mechanisms.has('LOGIN')) return promptSteps(proof.user, proof.password, timeoutMs);
  if (!offer.isKnown) return { is: 'unknown' };
  return { is: 'impossible', why: 'it offers neither AUTH PLAIN nor AUTH LOGIN' };
}

/** One message, with the command where it has room there (RFC 4954 section 4). */
function messageSteps({ mechanism, message }: SaslMessage, timeoutMs: number): Step[] | NoWay {
  const response = encodeBase64(message);
  const verdict = expect(timeoutMs, verdictRules);
  const whole = `AUTH ${mechanism} ${response}\r\n`;
  if (whole.length <= commandBytesMax) return [send(whole), verdict];
  if (response.length + 2 > responseBytesMax) return { is: 'unsupported', reply: replies.authTooLong };
  return [send(`AUTH ${mechanism}\r\n`), expect(timeoutMs, promptRules), send(`${response}\r\n`), verdict];
}

/** LOGIN asks for the name, then for the password, in words of its own. */
function promptSteps(user: string, password: string, timeoutMs: number): Step[] | NoWay {
  const response = encodeBase64(password);
  if (response.length + 2 > responseBytesMax) return { is: 'unsupported', reply: replies.authTooLong };
  const prompt = expect(timeoutMs, promptRules);
  return [
    send('AUTH LOGIN\r\n'),
    prompt,
    send(`${encodeBase64(user)}\r\n`),
    prompt,
    send(`${response}\r\n`),
    expect(timeoutMs, verdictRules),
  ];
}

/** RFC 5321 section 4.2.1: the last line of a reply has a space behind its code, the others a hyphen. */
function answerRules(code: string): Rule[] {
  return [skip(`${code}-`), accept(code), fail('')];
}

const promptRules: readonly Rule[] = [accept('334'), refuse('5'), fail('')];

/**
 * The server's judgement. A challenge behind a token is its error text (RFC 7628 section 3.2.3), and behind
 * a password it is a server that is not content with one: both are refusals, and the connection is closed
 * without another word. 4xx is the server's trouble, which the log shows (454, 421); it is never a wrong
 * password.
 */
const verdictRules: readonly Rule[] = [
  skip('235-', 'before'),
  accept('235', 'final'),
  refuse('334'),
  refuse('5'),
  fail(''),
];

/**
 * What a refusal means for the client. The uniform answer hides whether the user exists. Codes that speak
 * of the link between the gateway and the server, or of commands, are the operator's trouble and no wrong
 * password.
 */
export function submissionRefusalOf(_login: Login, serverLine: string): Refusal {
  const code = serverLine.slice(0, 3);
  if (privacyCodes.has(code)) return wantsPrivacy;
  if (mechanismCodes.has(code)) return { is: 'temporary', why: `it answers AUTH with ${code}` };
  return { is: 'reply', text: replies.authenticationFailed };
}

/** RFC 4954 section 6, RFC 3207 section 4. */
const privacyCodes: ReadonlySet<string> = new Set(['530', '538']);
/**
 * The command, its place or its mechanism was wrong, or the mechanism too weak: the password was not looked
 * at.
 */
const mechanismCodes: ReadonlySet<string> = new Set(['500', '502', '503', '504', '534']);

/** RFC 5321 section 4.5.3.1.4, with the line's end: RFC 4954 holds AUTH and its initial response to it. */
const commandBytesMax = 512;
/** RFC 4954 section 4: what a server must take as the line of a response, with its end. */
const responseBytesMax = 12_288;
