/**
 * The script that logs an IMAP session in to a server: greeting, STARTTLS, ID, the login under the client's
 * own tag, and the server's capabilities, so that the client's last words are the server's own.
 *
 * Secrets travel as literals or base64, never as quoted text (V35). The engine plays the script.
 */
import { type Rule, type Step, encodeScript, scriptBytesMax } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import { accept, expect, fail, refuse, send, skip } from '#model/script-steps';
import type { ClientFacts, HandoffPlan, HandoffTimeouts, Refusal } from '../front.ts';
import { type KnownOffer, type NoWay, knownOffer, noMechanism } from '../offer.ts';
import { isStoreTrouble, printable, wantsPrivacy } from '../refusal.ts';
import { type Login, type Proof, encodeBase64, saslMessageOf } from '../sasl.ts';
import { replies } from './replies.ts';

/** The plan for one login on one server; it depends on what the server offers. */
export function planImapHandoff(
  login: Login,
  server: ServerProtocolRoute,
  client: ClientFacts,
  timeouts: HandoffTimeouts,
): HandoffPlan {
  const steps = loginSteps(login, server, timeouts.loginTimeoutMs);
  if ('is' in steps) return steps;
  const script = encodeScript([
    ...openingSteps(server, client, timeouts.greetingTimeoutMs),
    ...steps,
    ...capabilitySteps(timeouts.greetingTimeoutMs),
  ]);
  // What the front's own limits let through fits: 8 KiB for each argument, a line for a SASL message.
  if (script.length > scriptBytesMax) return { is: 'unsupported', reply: replies.tooBig(login.tag) };
  return { is: 'script', script };
}

function openingSteps(server: ServerProtocolRoute, client: ClientFacts, timeoutMs: number): Step[] {
  // V04: a PREAUTH would let a client into whatever mailbox the server has in mind.
  const greeting = expect(timeoutMs, [accept('* OK'), fail('* PREAUTH'), fail('* BYE')]);
  return [greeting, ...startTlsSteps(server, timeoutMs), ...idSteps(server, client, timeoutMs)];
}

function startTlsSteps(server: ServerProtocolRoute, timeoutMs: number): Step[] {
  if (server.endpoint.tls !== 'starttls') return [];
  const rules = [accept('s OK'), fail('s '), fail('* BYE'), skip('*')];
  return [send('s STARTTLS\r\n'), expect(timeoutMs, rules), { step: 'startTls' }];
}

/**
 * Who the client is, for a server that trusts us with it. A server that dislikes the ID still gets the
 * login.
 */
function idSteps(server: ServerProtocolRoute, client: ClientFacts, timeoutMs: number): Step[] {
  if (server.identity !== 'id' || !server.offer.capabilities.includes('ID')) return [];
  const rules = [accept('i '), fail('* BYE'), skip('*')];
  return [send(`i ID (${idPairs(client)})\r\n`), expect(timeoutMs, rules)];
}

function idPairs(client: ClientFacts): string {
  const pairs = {
    'x-session-id': client.sessionId,
    'x-originating-ip': client.clientIp,
    'x-originating-port': client.clientPort,
    'x-connected-ip': client.localIp,
    'x-connected-port': client.localPort,
    // One more gateway in the way would lower it; a server that sends us back to ourselves is cut short.
    'x-proxy-ttl': '5',
  };
  return Object.entries(pairs)
    .map(([key, value]) => `"${key}" ${quoted(value)}`)
    .join(' ');
}

/**
 * RFC 9051: quoted. The values are our own facts; anything but printable ASCII would be a fault, and is
 * left out.
 */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;
}

function loginSteps(login: Login, server: ServerProtocolRoute, timeoutMs: number): Step[] | NoWay {
  const { tag, proof } = login;
  const offer = offerOf(server.offer.capabilities);
  if (proof.by === 'password') return passwordSteps(tag, proof, offer, timeoutMs);
  if (offer.mechanisms.has(saslMessageOf(proof).mechanism))
    return authenticateSteps(tag, proof, offer, timeoutMs);
  return noMechanism(offer, replies.unsupportedMechanism(tag));
}

type Password = Extract<Proof, { by: 'password' }>;

/** LOGIN where it may be used; a server that says LOGINDISABLED inside TLS wants AUTHENTICATE. */
function passwordSteps(tag: string, proof: Password, offer: Offer, timeoutMs: number): Step[] | NoWay {
  const { user, password } = proof;
  if (!offer.hasLogin && offer.mechanisms.has('PLAIN')) {
    return authenticateSteps(tag, proof, offer, timeoutMs);
  }
  if (!offer.hasLogin) return { is: 'impossible', why: 'the server offers neither LOGIN nor AUTH=PLAIN' };
  if (mayStreamLiterals(offer, user, password)) return streamedLogin(tag, proof, timeoutMs);
  return steppedLogin(tag, proof, timeoutMs);
}

function streamedLogin(tag: string, { user, password }: Password, timeoutMs: number): Step[] {
  const bytes = `${tag} LOGIN {${user.length}+}\r\n${user} {${password.length}+}\r\n${password}\r\n`;
  return [send(bytes), expect(timeoutMs, verdictRules(tag))];
}

/** RFC 9051 section 4.3: each literal waits for the server's invitation. */
function steppedLogin(tag: string, { user, password }: Password, timeoutMs: number): Step[] {
  const invitation = expect(timeoutMs, invitationRules(tag));
  return [
    send(`${tag} LOGIN {${user.length}}\r\n`),
    invitation,
    send(`${user} {${password.length}}\r\n`),
    invitation,
    send(`${password}\r\n`),
    expect(timeoutMs, verdictRules(tag)),
  ];
}

function authenticateSteps(tag: string, proof: Proof, offer: Offer, timeoutMs: number): Step[] {
  const { mechanism, message } = saslMessageOf(proof);
  const encoded = encodeBase64(message);
  const verdict = expect(timeoutMs, verdictRules(tag));
  if (offer.hasInitialResponse) return [send(`${tag} AUTHENTICATE ${mechanism} ${encoded}\r\n`), verdict];
  const invitation = expect(timeoutMs, invitationRules(tag));
  return [send(`${tag} AUTHENTICATE ${mechanism}\r\n`), invitation, send(`${encoded}\r\n`), verdict];
}

/**
 * The server's judgement. A challenge behind a token is its error text (RFC 7628 section 3.2.2): a refusal.
 * Capabilities said before the OK belong to the client; other untagged lines are for nobody (V37).
 */
function verdictRules(tag: string): Rule[] {
  return [
    accept(`${tag} OK`, 'final'),
    refuse(`${tag} NO`),
    refuse(`${tag} BAD`),
    fail('* BYE'),
    skip('* CAPABILITY', 'before'),
    skip('*'),
    refuse('+'),
  ];
}

/** Some servers say `+` without a space behind it. */
function invitationRules(tag: string): Rule[] {
  return [accept('+'), refuse(`${tag} NO`), refuse(`${tag} BAD`), fail('* BYE'), skip('*')];
}

/**
 * A server that did not say its capabilities with the OK is asked; the answer goes to the client before
 * the OK.
 */
function capabilitySteps(timeoutMs: number): Step[] {
  const unlessFinalHas = '[CAPABILITY';
  const rules = [skip('* CAPABILITY', 'before'), accept('c '), fail('* BYE'), skip('*')];
  return [
    { step: 'send', bytes: 'c CAPABILITY\r\n', unlessFinalHas },
    { step: 'expect', rules, timeoutMs, unlessFinalHas },
  ];
}

interface Offer extends KnownOffer {
  readonly hasLogin: boolean;
  readonly hasInitialResponse: boolean;
  readonly literals: 'plus' | 'minus' | 'waiting';
}

/** A server of which nothing is known is spoken to in the oldest way: LOGIN, one step at a time. */
function offerOf(capabilities: readonly string[]): Offer {
  const known = knownOffer({ capabilities });
  const { has } = known;
  // RFC 7888 section 5: IMAP4rev2 includes LITERAL-.
  const shortLiterals = has('LITERAL-') || has('IMAP4REV2') ? 'minus' : 'waiting';
  return {
    ...known,
    hasLogin: !has('LOGINDISABLED'),
    hasInitialResponse: has('SASL-IR') || has('IMAP4REV2'),
    literals: has('LITERAL+') ? 'plus' : shortLiterals,
  };
}

function mayStreamLiterals(offer: Offer, user: string, password: string): boolean {
  if (offer.literals === 'plus') return true;
  const longest = Math.max(user.length, password.length);
  return offer.literals === 'minus' && longest <= shortLiteralBytesMax;
}

/**
 * What a refusal means for the client. The uniform answer hides whether the user exists; a code that tells
 * more, such as EXPIRED, goes on with its text. A server in trouble is no wrong password.
 */
export function imapRefusalOf(login: Login, serverLine: string): Refusal {
  const { tag } = login;
  const failed: Refusal = { is: 'reply', text: replies.authenticationFailed(tag) };
  if (serverLine.startsWith('+')) return failed;
  if (!serverLine.startsWith(`${tag} `)) return { is: 'temporary' };
  const answer = serverLine.slice(tag.length + 1);
  if (isStoreTrouble(answer.replace(/^(NO|BAD) /i, ''))) return { is: 'temporary' };
  const [, code, text] = refusalForm.exec(answer) ?? [];
  if (code === undefined || text === undefined) return failed;
  const upper = code.toUpperCase();
  if (temporaryCodes.has(upper)) return { is: 'temporary' };
  if (upper === 'PRIVACYREQUIRED') return wantsPrivacy;
  if (!toldCodes.has(upper)) return failed;
  return { is: 'reply', text: replies.refused(tag, upper, printable(text)) };
}

/** RFC 5530: the server's trouble, or the mailbox's, but not the password's. */
const temporaryCodes: ReadonlySet<string> = new Set(['UNAVAILABLE', 'INUSE', 'SERVERBUG', 'LIMIT']);
/** Codes without arguments that explain a refusal. REFERRAL and ALERT are not ours to pass on (V37). */
const toldCodes: ReadonlySet<string> = new Set([
  'AUTHORIZATIONFAILED',
  'EXPIRED',
  'CONTACTADMIN',
  'NOPERM',
  'CANNOT',
]);
const refusalForm = /^(?:NO|BAD) \[([A-Za-z0-9-]+)\] ?(.*)$/i;

/** RFC 7888 section 5. */
const shortLiteralBytesMax = 4096;
