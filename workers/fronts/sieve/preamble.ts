/**
 * ManageSieve until we know the user: the non-authenticated state of RFC 5804 section 1.2, spoken by the
 * gateway.
 *
 * It takes no decision about servers. Commands are answered one by one in the order they came; what a client
 * sends behind its login stays unread here, and reaches the server. PURE: it waits for its client only.
 */
import { reservedWords } from '#model/reserved-words';
import { isForeign } from '../foreign-line.ts';
import type { Conversation, Conversed, Preamble, PreambleSettings } from '../front.ts';
import { noLiteral, readLiterals } from '../literal-reader.ts';
import { joinOffers, valuesOf, withoutMechanisms } from '../offer.ts';
import { type Unanswered, authenticate } from '../sasl-exchange.ts';
import { type Parsed, type SyntaxFault, parseEnd } from '../syntax.ts';
import type { Talk, TalkStep, TalkWords } from '../talk.ts';
import { hasTls, mistake, openTalk, over, refuseClear } from '../talk.ts';
import { type Head, parseAuthenticate, parseHead, parseNoop, parseResponse } from './grammar.ts';
import { lastWords, quoted, replies } from './replies.ts';

/** Gives what begins a talk: it greets the client, unless somebody has. */
export function openPreambles(settings: PreambleSettings): (conversation: Conversation) => Preamble {
  const { hostname, hasStartTls } = settings;
  const clear = capabilityLines(settings, true);
  const encrypted = capabilityLines(settings, false);
  return (conversation) => {
    const capabilities = (): string => (conversation.client.tls === undefined ? clear : encrypted);
    const talk: SieveTalk = { ...openTalk(conversation, words), capabilities, hasStartTls };
    if (!conversation.client.isGreeted) conversation.reply(replies.greeting(capabilities(), hostname));
    return { converse: () => converse(talk) };
  };
}

interface SieveTalk extends Talk {
  /** What is offered at this moment, as lines. */
  readonly capabilities: () => string;
  readonly hasStartTls: boolean;
}

const words: TalkWords = { lastWords, tooManyErrors: replies.tooManyErrors };

async function converse(talk: SieveTalk): Promise<Conversed> {
  for (;;) {
    const line = await talk.conversation.readLine();
    if (typeof line !== 'string') return over(talk, line.reason);
    if (isForeign(line)) return over(talk, 'wrong_protocol');
    const head = parseHead(line);
    const roomFor = (taken: number): number => roomIn(talk, head, taken);
    const command = await readLiterals(talk, line, { roomFor, invitation: undefined });
    if (command.is === 'over') return command;
    const step = command.isTooBig ? mistake(talk, replies.tooBig) : await answer(talk, head, command.text);
    if (step !== undefined) return step;
  }
}

/** How large the command's next literal may be. */
function roomIn(talk: Talk, head: Parsed<Head>, taken: number): number {
  if ('fault' in head) return noLiteral;
  const { name } = head.value;
  if (name === 'NOOP') return Math.max(0, noopBytesMax - taken);
  return name === 'AUTHENTICATE' && hasTls(talk) ? Math.max(0, commandBytesMax - taken) : noLiteral;
}

async function answer(talk: SieveTalk, head: Parsed<Head>, text: string): Promise<TalkStep> {
  if ('fault' in head) return syntaxMistake(talk, head.fault);
  const { name, at } = head.value;
  switch (name) {
    case 'AUTHENTICATE':
      return answerAuthenticate(talk, text, at);
    case 'STARTTLS':
      return answerStartTls(talk, parseEnd(text, at));
    case 'CAPABILITY':
      return answerCapability(talk, parseEnd(text, at));
    case 'NOOP':
      return answerNoop(talk, text, at);
    case 'LOGOUT':
      return over(talk, 'client_logout');
    default:
      return answerUnknown(talk, name);
  }
}

function answerCapability(talk: SieveTalk, parsed: Parsed<undefined>): TalkStep {
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  talk.conversation.reply(replies.capability(talk.capabilities()));
  return undefined;
}

function answerNoop(talk: Talk, text: string, at: number): TalkStep {
  const parsed = parseNoop(text, at);
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  const tag = parsed.value;
  if (text.length > noopBytesMax) return mistake(talk, replies.tooBig);
  talk.conversation.reply(tag === undefined ? replies.noop : replies.noopTagged(tag));
  return undefined;
}

/** RFC 5804 section 2.2. What came before the handshake is forgotten, but for the counts of mistakes. */
async function answerStartTls(talk: SieveTalk, parsed: Parsed<undefined>): Promise<TalkStep> {
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  if (hasTls(talk)) return mistake(talk, replies.tlsActive);
  if (!talk.hasStartTls) return mistake(talk, replies.unknownCommand);
  const stopped = await talk.conversation.startTls(replies.startTls);
  if (stopped !== undefined) return over(talk, stopped.reason);
  talk.conversation.reply(replies.tlsReady(talk.capabilities()));
  return undefined;
}

async function answerAuthenticate(talk: Talk, text: string, at: number): Promise<TalkStep> {
  if (!hasTls(talk)) return refuseClear(talk, replies.privacyRequired);
  const parsed = parseAuthenticate(text, at);
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  const ask = (challenge: string) => askForString(talk, challenge);
  return authenticate(talk, { tag: noTag, ...parsed.value }, { ask, replies });
}

/** RFC 5804 section 2.1: challenge and response are strings, each alone on its line. */
async function askForString(talk: Talk, challenge: string): Promise<string | Unanswered> {
  talk.conversation.reply(replies.challenge(challenge));
  const line = await talk.conversation.readLine();
  if (typeof line !== 'string') return line;
  const roomFor = (taken: number): number => Math.max(0, commandBytesMax - taken);
  const whole = await readLiterals(talk, line, { roomFor, invitation: undefined });
  if (whole.is === 'over') return whole;
  const parsed = parseResponse(whole.text);
  return 'fault' in parsed ? { is: 'notBase64' } : parsed.value;
}

/** What a client pipelined behind a login that was refused is no mistake of its own. */
function answerUnknown(talk: Talk, name: string): TalkStep {
  if (!laterCommands.has(name)) return mistake(talk, replies.unknownCommand);
  talk.conversation.reply(replies.logInFirst);
  return undefined;
}

function syntaxMistake(talk: Talk, { column, wanted }: SyntaxFault): TalkStep {
  return mistake(talk, replies.syntax(column, wanted));
}

/**
 * RFC 5804 section 1.7: a name and, in one string, its values. Before TLS no mechanism is named, and no login
 * taken (V05): that is `"SASL" ""`.
 */
function capabilityLines({ baseline, hasStartTls }: PreambleSettings, isClear: boolean): string {
  const offer = isClear
    ? joinOffers([], withoutMechanisms(baseline), reservedWords.sieve)
    : joinOffers(['AUTH=PLAIN'], baseline, reservedWords.sieve);
  const names = new Set(offer.map((word) => word.split('=', 1)[0] ?? word));
  const lines = [
    '"IMPLEMENTATION" "Postern"',
    '"VERSION" "1.0"',
    `"SASL" ${quoted(valuesOf(offer, 'AUTH').join(' '))}`,
    `"SIEVE" ${quoted(lowerValues(offer, 'SIEVE'))}`,
    ...[...names].filter((name) => !listedNames.has(name)).map((name) => capabilityLine(offer, name)),
    ...(isClear && hasStartTls ? ['"STARTTLS"'] : []),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

function capabilityLine(offer: readonly string[], name: string): string {
  const values = lowerValues(offer, name);
  return values === '' ? quoted(name) : `${quoted(name)} ${quoted(values)}`;
}

/** RFC 5228 section 6.1 and RFC 5435: names of extensions and of methods are lower case; ours are upper. */
function lowerValues(offer: readonly string[], name: string): string {
  return valuesOf(offer, name).join(' ').toLowerCase();
}

const listedNames: ReadonlySet<string> = new Set(['AUTH', 'SIEVE']);

/** Answers carry none. */
const noTag = '';

/** RFC 5804 section 2, but for what this state has. */
const laterCommands: ReadonlySet<string> = new Set(
  (
    'HAVESPACE PUTSCRIPT LISTSCRIPTS SETACTIVE GETSCRIPT DELETESCRIPT RENAMESCRIPT CHECKSCRIPT ' +
    'UNAUTHENTICATE'
  ).split(' '),
);

/** RFC 5804 bounds no string of NOOP; what synchronizes by it sends a few words. */
const noopBytesMax = 1024;
/** A SASL token of Kerberos or OAuth, as the engine takes it (V28). */
const commandBytesMax = 96 * 1024;
