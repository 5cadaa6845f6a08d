/**
 * IMAP until we know the user: the "not authenticated" state of RFC 9051 section 3, spoken by the gateway.
 *
 * It takes no decision about servers. Commands are answered one by one in the order they came; what a client
 * sends behind its login stays unread here, and reaches the server. PURE: it waits for its client only.
 */
import type { EndReason } from '#model/end-reason';
import {
  type AnnouncedLiteral,
  type Conversation,
  type Conversed,
  type Preamble,
  announcedLiteral,
} from '../front.ts';
import { type Mechanism, decodeBase64, loginOf, mechanismOf, promptsOf, proofOf } from '../sasl.ts';
import {
  type Head,
  type Parsed,
  type SyntaxFault,
  parseAuthenticate,
  parseEnd,
  parseHead,
  parseId,
  parseLogin,
} from './grammar.ts';
import { lastWords, replies } from './replies.ts';

export interface PreambleSettings {
  readonly hostname: string;
  /** What is offered besides what every IMAP frontend gives; upper case, e.g. `IDLE`, `AUTH=XOAUTH2`. */
  readonly baseline: readonly string[];
  /** True where a clear connection may be turned to TLS. */
  readonly hasStartTls: boolean;
}

/** Gives what begins a talk: it greets the client, unless somebody has. */
export function openPreambles(settings: PreambleSettings): (conversation: Conversation) => Preamble {
  const { hostname, hasStartTls } = settings;
  const clear = clearCapabilities(settings);
  const encrypted = encryptedCapabilities(settings);
  return (conversation) => {
    const capabilities = (): string => (conversation.client.tls === undefined ? clear : encrypted);
    const talk: Talk = { conversation, capabilities, hasStartTls, mistakes: 0, clearLogins: 0, badNames: 0 };
    if (!conversation.client.isGreeted) conversation.reply(replies.greeting(capabilities(), hostname));
    return { converse: () => converse(talk) };
  };
}

/** One client's talk. The counts never go down: neither STARTTLS nor a refused login gives new tries. */
interface Talk {
  readonly conversation: Conversation;
  /** What is offered at this moment. */
  readonly capabilities: () => string;
  readonly hasStartTls: boolean;
  mistakes: number;
  clearLogins: number;
  badNames: number;
}

async function converse(talk: Talk): Promise<Conversed> {
  for (;;) {
    const command = await readCommand(talk);
    if (command.is === 'over') return command;
    const step = await answer(talk, command);
    if (step !== undefined) return step;
    if (talk.mistakes >= mistakesMax) return over('syntax', replies.tooManyErrors);
  }
}

/** A command as it stands on the wire (see grammar.ts). `isTooBig`: it was left unread for its size. */
interface Command {
  readonly is: 'command';
  readonly head: Parsed<Head>;
  readonly text: string;
  readonly isTooBig: boolean;
}

/** Reads a command with its literals. One that will be refused anyway gets no invitation for its literals. */
async function readCommand(talk: Talk): Promise<Command | Over> {
  const { conversation } = talk;
  const line = await conversation.readLine();
  if (typeof line !== 'string') return over(line.reason);
  // Before anything is read into it: `POST /x` is a tag and a command, and "http://x" ends a command's name.
  if (isForeign(line)) return over('wrong_protocol');
  const head = parseHead(line);
  let text = line;
  let literal = announcedLiteral(line);
  while (literal !== undefined) {
    const room = roomFor(talk, head, text.length);
    if (literal.size > room) {
      const left = await passOver(conversation, literal);
      return left ?? { is: 'command', head, text, isTooBig: room >= 0 };
    }
    const bytes = await conversation.readLiteral(literal.size, literal.isWaiting ? replies.invitation : '');
    if (typeof bytes !== 'string') return over(bytes.reason);
    const rest = await conversation.readLine();
    if (typeof rest !== 'string') return over(rest.reason);
    text += `\r\n${bytes}${rest}`;
    literal = announcedLiteral(rest);
  }
  return { is: 'command', head, text, isTooBig: false };
}

/**
 * How large a command's next literal may be; -1 where it takes none, not even an empty one, as before TLS
 * (V05).
 */
function roomFor(talk: Talk, head: Parsed<Head>, taken: number): number {
  if ('fault' in head) return noLiteral;
  const { name } = head.value;
  const takesLiterals = name === 'ID' || (name === 'LOGIN' && mayLogIn(talk));
  return takesLiterals ? Math.max(0, Math.min(literalBytesMax, commandBytesMax - taken)) : noLiteral;
}

/**
 * Drops a refused command's literals. One that the client sends unasked (RFC 7888) has a rest behind it;
 * one that waits to be invited is given up by the client, whose next line is a new command.
 */
async function passOver(conversation: Conversation, first: AnnouncedLiteral): Promise<Over | undefined> {
  let literal: AnnouncedLiteral | undefined = first;
  for (let passed = 0; literal !== undefined && !literal.isWaiting; passed++) {
    if (passed === literalsPassedMax) return over('syntax', replies.tooManyErrors);
    const bytes = await conversation.readLiteral(literal.size, '');
    if (typeof bytes !== 'string') return over(bytes.reason);
    const rest = await conversation.readLine();
    if (typeof rest !== 'string') return over(rest.reason);
    literal = announcedLiteral(rest);
  }
  return undefined;
}

/** What follows from a command: undefined to go on. */
type Step = Conversed | undefined;
type Over = Extract<Conversed, { is: 'over' }>;

async function answer(talk: Talk, command: Command): Promise<Step> {
  if ('fault' in command.head) {
    const { fault } = command.head;
    return syntaxMistake(talk, fault.tag ?? '*', fault);
  }
  const { tag, name, at } = command.head.value;
  if (command.isTooBig) return mistake(talk, replies.tooBig(tag));
  switch (name) {
    case 'LOGIN':
      return answerLogin(talk, command.head.value, command.text);
    case 'AUTHENTICATE':
      return answerAuthenticate(talk, command.head.value, command.text);
    case 'CAPABILITY':
      return answerPlainly(
        talk,
        tag,
        parseEnd(command.text, at),
        replies.capability(tag, talk.capabilities()),
      );
    case 'ID':
      return answerPlainly(talk, tag, parseId(command.text, at), replies.id(tag));
    case 'NOOP':
      return answerPlainly(talk, tag, parseEnd(command.text, at), replies.noop(tag));
    case 'STARTTLS':
      return answerStartTls(talk, tag, parseEnd(command.text, at));
    case 'LOGOUT':
      return over('client_logout', replies.logout(tag));
    default:
      return answerUnknown(talk, tag, name);
  }
}

function answerPlainly(talk: Talk, tag: string, parsed: Parsed<undefined>, reply: string): Step {
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  talk.conversation.reply(reply);
  return undefined;
}

/** RFC 9051 section 6.2.1. What came before the handshake is forgotten, but for the counts of mistakes. */
async function answerStartTls(talk: Talk, tag: string, parsed: Parsed<undefined>): Promise<Step> {
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  if (talk.conversation.client.tls !== undefined) return mistake(talk, replies.tlsActive(tag));
  if (!talk.hasStartTls) return mistake(talk, replies.unknownCommand(tag));
  const stopped = await talk.conversation.startTls(replies.startTls(tag));
  return stopped === undefined ? undefined : over(stopped.reason);
}

function answerLogin(talk: Talk, { tag, at }: Head, text: string): Step {
  if (!mayLogIn(talk)) return refuseClear(talk, tag);
  const parsed = parseLogin(text, at);
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  const login = loginOf(tag, { by: 'password', ...parsed.value });
  return login === undefined ? refuseName(talk, tag) : { is: 'login', login };
}

async function answerAuthenticate(talk: Talk, { tag, at }: Head, text: string): Promise<Step> {
  if (!mayLogIn(talk)) return refuseClear(talk, tag);
  const parsed = parseAuthenticate(text, at);
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  const mechanism = mechanismOf(parsed.value.mechanism);
  if (mechanism === undefined) return mistake(talk, replies.unsupportedMechanism(tag));
  const responses = await readResponses(talk, mechanism, parsed.value.initialResponse);
  if (responses === 'cancelled') return mistake(talk, replies.cancelled(tag));
  if (responses === 'no base64') return mistake(talk, replies.badBase64(tag));
  if (!Array.isArray(responses)) return responses;
  const proof = proofOf(mechanism, responses);
  const login = proof && loginOf(tag, proof);
  return login === undefined ? refuseName(talk, tag) : { is: 'login', login };
}

/** RFC 9051 section 6.2.2: a response a line, in base64; `*` cancels. */
async function readResponses(
  talk: Talk,
  mechanism: Mechanism,
  initial: string | undefined,
): Promise<string[] | Over | 'cancelled' | 'no base64'> {
  const responses: string[] = [];
  for (const prompt of promptsOf(mechanism)) {
    const given = responses.length === 0 ? initial : undefined;
    if (given === undefined) talk.conversation.reply(replies.challenge(prompt));
    const line = given ?? (await talk.conversation.readLine());
    if (typeof line !== 'string') return over(line.reason);
    if (line === '*') return 'cancelled';
    // RFC 4959: "=" stands for an empty initial response. A line that follows a challenge may just be empty.
    const response = given === '=' ? '' : decodeBase64(line);
    if (response === undefined) return 'no base64';
    responses.push(response);
  }
  return responses;
}

/** V05: three tries are a misconfigured client, which is told so; no password is invited. */
function refuseClear(talk: Talk, tag: string): Step {
  talk.conversation.reply(replies.privacyRequired(tag));
  talk.clearLogins++;
  return talk.clearLogins < clearLoginsMax ? undefined : over('tls_required');
}

/** A name that no mailbox has. The answer is that of a wrong password, so that nothing is learnt from it. */
function refuseName(talk: Talk, tag: string): Step {
  talk.conversation.reply(replies.authenticationFailed(tag));
  talk.badNames++;
  return talk.badNames < badNamesMax ? undefined : over('too_many_failures');
}

/** What a client pipelined behind a login that was refused is no mistake of its own. */
function answerUnknown(talk: Talk, tag: string, name: string): Step {
  if (!laterCommands.has(name)) return mistake(talk, replies.unknownCommand(tag));
  talk.conversation.reply(replies.logInFirst(tag));
  return undefined;
}

function syntaxMistake(talk: Talk, tag: string, { column, wanted }: SyntaxFault): Step {
  return mistake(talk, replies.syntax(tag, column, wanted));
}

function mistake(talk: Talk, reply: string): Step {
  talk.conversation.reply(reply);
  talk.mistakes++;
  return undefined;
}

function mayLogIn(talk: Talk): boolean {
  return talk.conversation.client.tls !== undefined;
}

/** Before TLS no mechanism is named, and no login taken (V05). */
function clearCapabilities({ baseline, hasStartTls }: PreambleSettings): string {
  const own = ['IMAP4rev1', 'LITERAL+', 'ID', ...(hasStartTls ? ['STARTTLS'] : []), 'LOGINDISABLED'];
  return joined(
    own,
    baseline.filter((word) => !word.startsWith('AUTH=')),
  );
}

function encryptedCapabilities({ baseline }: PreambleSettings): string {
  return joined(['IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID', 'AUTH=PLAIN'], baseline);
}

/** What the front gives by itself, then the frontend's baseline. */
function joined(own: readonly string[], baseline: readonly string[]): string {
  const more = baseline.filter((word) => !own.includes(word) && !notForBaseline.has(word));
  return [...own, ...more].join(' ');
}

/** Words that depend on the state of the connection, so that no setting may add them. */
const notForBaseline: ReadonlySet<string> = new Set(['IMAP4REV1', 'STARTTLS', 'LOGINDISABLED', 'SASL-IR']);

/** V10: an HTTP request line, or a TLS handshake record, on a port that speaks IMAP. */
function isForeign(line: string): boolean {
  return line.startsWith('\x16\x03') || httpRequest.test(line);
}

/** RFC 9112 section 3. No command of ours has just one argument and this for it. */
const httpRequest = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ ]+ HTTP\/[0-9]\.[0-9]$/;

function over(reason: EndReason, words: string = lastWords(reason)): Over {
  return { is: 'over', reason, lastWords: words };
}

/** RFC 9051 sections 6.3 and 6.4, with the extensions that clients use first. */
const laterCommands: ReadonlySet<string> = new Set(
  (
    'SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB NAMESPACE STATUS APPEND IDLE ' +
    'ENABLE CHECK CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE UID XLIST COMPRESS GETQUOTAROOT ' +
    'GETQUOTA GETACL MYRIGHTS GETMETADATA SORT THREAD UNAUTHENTICATE'
  ).split(' '),
);

/** As nginx's max_errors: more is no mail program. */
const mistakesMax = 3;
/** A program that does not read LOGINDISABLED will not read it the fourth time either. */
const clearLoginsMax = 3;
/** Names that no directory could hold; a person mistypes once or twice. */
const badNamesMax = 3;
/** A name and a password each (V28). A SASL message is a line, which the engine bounds. */
const literalBytesMax = 8 * 1024;
/** 30 pairs of an ID, each key and value a literal, are 34 KiB (V30). */
const commandBytesMax = 64 * 1024;
const noLiteral = -1;
/** An ID of 30 pairs has 60 literals. */
const literalsPassedMax = 64;
