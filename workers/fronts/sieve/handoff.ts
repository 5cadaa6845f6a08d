/**
 * The script that logs a ManageSieve session in to a server: greeting, STARTTLS, XCLIENT, AUTHENTICATE. The
 * client's last words are the server's own OK; the server's capabilities are there for whoever asks.
 *
 * Secrets travel as literals of base64 (V35). The engine plays the script.
 */
import { type Rule, type Step, encodeScript, scriptBytesMax } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import { accept, expect, fail, refuse, send, skip } from '#model/script-steps';
import type { ClientFacts, HandoffPlan, HandoffTimeouts, Refusal } from '../front.ts';
import { knownOffer, noMechanism } from '../offer.ts';
import { printable, wantsPrivacy } from '../refusal.ts';
import { type Login, type Proof, encodeBase64, saslMessageOf } from '../sasl.ts';
import { xclientArguments } from '../xclient.ts';
import { replies } from './replies.ts';

/** The plan for one login on one server; it depends on what the server offers. */
export function planSieveHandoff(
  { proof }: Login,
  server: ServerProtocolRoute,
  client: ClientFacts,
  timeouts: HandoffTimeouts,
): HandoffPlan {
  const offer = knownOffer(server.offer);
  const { mechanism } = saslMessageOf(proof);
  // A server of which nothing is known has PLAIN: RFC 5804 section 2.1 asks for it.
  const hasMechanism = offer.mechanisms.has(mechanism) || (mechanism === 'PLAIN' && !offer.isKnown);
  if (!hasMechanism && proof.by === 'password') {
    return { is: 'impossible', why: 'the server offers no AUTH=PLAIN' };
  }
  if (!hasMechanism) return noMechanism(offer, replies.unsupportedMechanism);
  const script = encodeScript([
    ...openingSteps(server, client, timeouts.greetingTimeoutMs),
    ...authenticateSteps(proof, timeouts.loginTimeoutMs),
  ]);
  // What the engine takes for a literal fits; an encoded message is a third longer than its bytes.
  if (script.length > scriptBytesMax) return { is: 'unsupported', reply: replies.tooBig };
  return { is: 'script', script };
}

function openingSteps(server: ServerProtocolRoute, client: ClientFacts, timeoutMs: number): Step[] {
  const { tls } = server.endpoint;
  const listed = expect(timeoutMs, capabilityRules);
  const startTls: Step[] = [
    send('STARTTLS\r\n'),
    expect(timeoutMs, [accept('OK'), fail('NO'), fail('BYE')]),
    { step: 'startTls' },
    // RFC 5804 section 2.2: the capabilities come anew, unasked.
    listed,
  ];
  return [listed, ...(tls === 'starttls' ? startTls : []), ...xclientSteps(server, client, timeoutMs)];
}

/** A server that dislikes it still gets the login. */
function xclientSteps(server: ServerProtocolRoute, client: ClientFacts, timeoutMs: number): Step[] {
  const told = xclientArguments(server, client);
  if (told === undefined) return [];
  return [send(`XCLIENT ${told}\r\n`), expect(timeoutMs, [accept('OK'), accept('NO'), fail('BYE')])];
}

/** RFC 5804 section 2.1, with the response at once: a server of this protocol has to take it. */
function authenticateSteps(proof: Proof, timeoutMs: number): Step[] {
  const { mechanism, message } = saslMessageOf(proof);
  const encoded = encodeBase64(message);
  return [
    send(`AUTHENTICATE "${mechanism}" {${encoded.length}+}\r\n${encoded}\r\n`),
    expect(timeoutMs, verdictRules),
  ];
}

/** Capabilities up to the OK, each a line that begins with a string; a literal belongs to its line. */
const capabilityRules: readonly Rule[] = [accept('OK'), fail('NO'), fail('BYE'), skip('"'), skip('{')];

/**
 * The server's judgement. A challenge behind the only message is a refusal: a token's error text (RFC 7628
 * section 3.2.2), as a quoted string or a literal.
 */
const verdictRules: readonly Rule[] = [
  accept('OK', 'final'),
  refuse('NO'),
  fail('BYE'),
  refuse('"'),
  refuse('{'),
];

/**
 * What a refusal means for the client. The uniform answer hides whether the user exists; a code that tells
 * more goes on with its text. A server in trouble is no wrong password.
 */
export function sieveRefusalOf(serverLine: string): Refusal {
  const [, code = '', text = ''] = refusalForm.exec(serverLine) ?? [];
  const upper = code.toUpperCase();
  switch (upper) {
    case 'TRYLATER':
      return { is: 'temporary' };
    case 'ENCRYPT-NEEDED':
      return wantsPrivacy;
    case 'AUTH-TOO-WEAK':
    case 'TRANSITION-NEEDED':
      return { is: 'reply', text: replies.refused(upper, printable(text.replace(/\\(["\\])/g, '$1'))) };
    default:
      // REFERRAL and other codes are not ours to pass on (V37).
      return { is: 'reply', text: replies.authenticationFailed };
  }
}

/** RFC 5804 section 4: a code without arguments, and perhaps a quoted string. */
const refusalForm = /^NO \(([A-Za-z0-9/-]+)\)(?: "((?:[^"\\]|\\["\\])*)")?/i;
