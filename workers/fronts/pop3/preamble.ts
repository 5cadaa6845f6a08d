/**
 * POP3 until we know the user: the AUTHORIZATION state of RFC 1939 section 4, spoken by the gateway.
 *
 * It takes no decision about servers. Commands are answered one by one in the order they came; what a client
 * sends behind its login stays unread here, and reaches the server. PURE: it waits for its client only.
 */
import { reservedWords } from '#model/reserved-words';
import { isForeign } from '../foreign-line.ts';
import type { Conversation, Conversed, Preamble, PreambleSettings } from '../front.ts';
import { joinOffers, valuesOf, withoutMechanisms } from '../offer.ts';
import { authenticate } from '../sasl-exchange.ts';
import { loginOf } from '../sasl.ts';
import type { Parsed, SyntaxFault } from '../syntax.ts';
import type { Talk, TalkStep, TalkWords } from '../talk.ts';
import { hasTls, mistake, openTalk, over, refuseClear, refuseName } from '../talk.ts';
import { type Command, parseAuth, parseCommand, parseName, parseNoArgument } from './grammar.ts';
import { lastWords, replies } from './replies.ts';

/** Gives what begins a talk: it greets the client, unless somebody has. */
export function openPreambles(settings: PreambleSettings): (conversation: Conversation) => Preamble {
  const { hostname, hasStartTls } = settings;
  const clear = clearOffer(settings);
  const encrypted = encryptedOffer(settings);
  return (conversation) => {
    const offer = (): readonly string[] => (conversation.client.tls === undefined ? clear : encrypted);
    const talk: Pop3Talk = { ...openTalk(conversation, words), offer, hasStartTls, user: undefined };
    if (!conversation.client.isGreeted) conversation.reply(replies.greeting(hostname));
    return { converse: () => converse(talk) };
  };
}

interface Pop3Talk extends Talk {
  /** What is offered at this moment. */
  readonly offer: () => readonly string[];
  readonly hasStartTls: boolean;
  /** The name of USER, until its PASS. A password is never kept (V38). */
  user: string | undefined;
}

const words: TalkWords = { lastWords, tooManyErrors: replies.tooManyErrors };

async function converse(talk: Pop3Talk): Promise<Conversed> {
  for (;;) {
    const line = await talk.conversation.readLine();
    if (typeof line !== 'string') return over(talk, line.reason);
    if (isForeign(line) && !isFreeText(line)) return over(talk, 'wrong_protocol');
    const step = await answer(talk, parseCommand(line));
    if (step !== undefined) return step;
  }
}

async function answer(talk: Pop3Talk, parsed: Parsed<Command>): Promise<TalkStep> {
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  const command = parsed.value;
  switch (command.name) {
    case 'USER':
      return answerUser(talk, command);
    case 'PASS':
      return answerPass(talk, command);
    case 'AUTH':
      return answerAuth(talk, command);
    case 'CAPA':
      return answerPlainly(talk, command, replies.capabilities(capabilityLines(talk.offer())));
    case 'STLS':
      return answerStartTls(talk, command);
    case 'QUIT':
      return over(talk, 'client_logout');
    default:
      return answerUnknown(talk, command.name);
  }
}

function answerPlainly(talk: Talk, command: Command, reply: string): TalkStep {
  const parsed = parseNoArgument(command);
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  talk.conversation.reply(reply);
  return undefined;
}

/** RFC 2595 section 4. What came before the handshake is forgotten, but for the counts of mistakes. */
async function answerStartTls(talk: Pop3Talk, command: Command): Promise<TalkStep> {
  const parsed = parseNoArgument(command);
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  if (hasTls(talk)) return mistake(talk, replies.tlsActive);
  if (!talk.hasStartTls) return mistake(talk, replies.unknownCommand);
  const stopped = await talk.conversation.startTls(replies.startTls);
  return stopped === undefined ? undefined : over(talk, stopped.reason);
}

/** RFC 1939 section 7. Any name is taken: the answer tells nothing of who exists. */
function answerUser(talk: Pop3Talk, command: Command): TalkStep {
  if (!hasTls(talk)) return refuseClear(talk, replies.privacyRequired);
  const parsed = parseName(command);
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  talk.user = parsed.value;
  talk.conversation.reply(replies.nameTaken);
  return undefined;
}

function answerPass(talk: Pop3Talk, { argument = '' }: Command): TalkStep {
  if (!hasTls(talk)) return refuseClear(talk, replies.privacyRequired);
  const { user } = talk;
  if (user === undefined) return mistake(talk, replies.nameFirst);
  talk.user = undefined;
  const login = loginOf(noTag, { by: 'password', user, password: argument });
  return login === undefined ? refuseName(talk, replies.authenticationFailed) : { is: 'login', login };
}

/** RFC 5034. AUTH alone is older than CAPA, and asks for the mechanisms: some programs still do. */
async function answerAuth(talk: Pop3Talk, command: Command): Promise<TalkStep> {
  if (!hasTls(talk)) return refuseClear(talk, replies.privacyRequired);
  talk.user = undefined;
  if (command.argument === undefined) {
    talk.conversation.reply(replies.mechanisms(valuesOf(talk.offer(), 'AUTH')));
    return undefined;
  }
  const parsed = parseAuth(command);
  if ('fault' in parsed) return syntaxMistake(talk, parsed.fault);
  const ask = (challenge: string) => {
    talk.conversation.reply(replies.challenge(challenge));
    return talk.conversation.readLine();
  };
  return authenticate(talk, { tag: noTag, ...parsed.value }, { ask, replies });
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

/** Before TLS no mechanism is named, and no login taken (V05). */
function clearOffer({ baseline, hasStartTls }: PreambleSettings): string[] {
  const own = ['RESP-CODES', 'AUTH-RESP-CODE', ...(hasStartTls ? ['STLS'] : [])];
  return joinOffers(own, withoutMechanisms(baseline), new Set([...reservedWords.pop3, 'USER']));
}

function encryptedOffer({ baseline }: PreambleSettings): string[] {
  return joinOffers(['USER', 'RESP-CODES', 'AUTH-RESP-CODE', 'AUTH=PLAIN'], baseline, reservedWords.pop3);
}

/** RFC 2449 section 6: a name and its values a line. What we call AUTH is SASL here (RFC 5034). */
function capabilityLines(offer: readonly string[]): string[] {
  const names = new Set(offer.map((word) => word.split('=', 1)[0] ?? word));
  return [...names].map((name) => {
    return [name === 'AUTH' ? 'SASL' : name, ...valuesOf(offer, name)].join(' ');
  });
}

/** A command whose argument may be anything, also `x HTTP/1.1`. */
function isFreeText(line: string): boolean {
  return /^(USER|PASS) /i.test(line);
}

/** Answers carry none. */
const noTag = '';

/** RFC 1939 sections 5 to 7; NOOP and RSET too belong to the state behind the login. */
const laterCommands: ReadonlySet<string> = new Set('STAT LIST RETR DELE NOOP RSET TOP UIDL LAST'.split(' '));
