/**
 * IMAP until we know the user: the "not authenticated" state of RFC 9051 section 3, spoken by the gateway.
 *
 * It takes no decision about servers. Commands are answered one by one in the order they came; what a client
 * sends behind its login stays unread here, and reaches the server. PURE: it waits for its client only.
 */
import { reservedWords } from '#model/reserved-words';
import { isForeign } from '../foreign-line.ts';
import type { Conversation, Conversed, Preamble, PreambleSettings } from '../front.ts';
import { type WholeCommand, noLiteral, readLiterals } from '../literal-reader.ts';
import { joinOffers, withoutMechanisms } from '../offer.ts';
import { type SaslReplies, authenticate } from '../sasl-exchange.ts';
import { loginOf } from '../sasl.ts';
import type { Talk, TalkOver, TalkStep, TalkWords } from '../talk.ts';
import { hasTls, mistake, openTalk, over, refuseClear, refuseName } from '../talk.ts';
import { type Parsed, type SyntaxFault, parseEnd } from '../syntax.ts';
import { type Head, type HeadFault, parseAuthenticate, parseHead, parseId, parseLogin } from './grammar.ts';
import { lastWords, replies } from './replies.ts';

/** Gives what begins a talk: it greets the client, unless somebody has. */
export function openPreambles(settings: PreambleSettings): (conversation: Conversation) => Preamble {
  const { hostname, hasStartTls } = settings;
  const clear = clearCapabilities(settings);
  const encrypted = encryptedCapabilities(settings);
  return (conversation) => {
    const capabilities = (): string => (conversation.client.tls === undefined ? clear : encrypted);
    const talk: ImapTalk = { ...openTalk(conversation, words), capabilities, hasStartTls };
    if (!conversation.client.isGreeted) conversation.reply(replies.greeting(capabilities(), hostname));
    return { converse: () => converse(talk) };
  };
}

interface ImapTalk extends Talk {
  /** What is offered at this moment. */
  readonly capabilities: () => string;
  readonly hasStartTls: boolean;
}

const words: TalkWords = { lastWords, tooManyErrors: replies.tooManyErrors };

async function converse(talk: ImapTalk): Promise<Conversed> {
  for (;;) {
    const command = await readCommand(talk);
    if (command.is === 'over') return command;
    const step = await answer(talk, command);
    if (step !== undefined) return step;
  }
}

/** A command as it stands on the wire (see grammar.ts). */
interface Command extends WholeCommand {
  readonly head: Parsed<Head, HeadFault>;
}

/** Reads a command with its literals. */
async function readCommand(talk: Talk): Promise<Command | TalkOver> {
  const line = await talk.conversation.readLine();
  if (typeof line !== 'string') return over(talk, line.reason);
  // Before anything is read into it: `POST /x` is a tag and a command, and "http://x" ends a command's name.
  if (isForeign(line)) return over(talk, 'wrong_protocol');
  const head = parseHead(line);
  const roomFor = (taken: number): number => roomIn(talk, head, taken);
  const command = await readLiterals(talk, line, { roomFor, invitation: replies.invitation });
  return command.is === 'over' ? command : { ...command, head };
}

/** How large the command's next literal may be. */
function roomIn(talk: Talk, head: Parsed<Head, HeadFault>, taken: number): number {
  if ('fault' in head) return noLiteral;
  const { name } = head.value;
  const takesLiterals = name === 'ID' || (name === 'LOGIN' && hasTls(talk));
  return takesLiterals ? Math.max(0, Math.min(literalBytesMax, commandBytesMax - taken)) : noLiteral;
}

async function answer(talk: ImapTalk, command: Command): Promise<TalkStep> {
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
      return over(talk, 'client_logout', replies.logout(tag));
    default:
      return answerUnknown(talk, tag, name);
  }
}

function answerPlainly(talk: Talk, tag: string, parsed: Parsed<undefined>, reply: string): TalkStep {
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  talk.conversation.reply(reply);
  return undefined;
}

/** RFC 9051 section 6.2.1. What came before the handshake is forgotten, but for the counts of mistakes. */
async function answerStartTls(talk: ImapTalk, tag: string, parsed: Parsed<undefined>): Promise<TalkStep> {
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  if (talk.conversation.client.tls !== undefined) return mistake(talk, replies.tlsActive(tag));
  if (!talk.hasStartTls) return mistake(talk, replies.unknownCommand(tag));
  const stopped = await talk.conversation.startTls(replies.startTls(tag));
  return stopped === undefined ? undefined : over(talk, stopped.reason);
}

function answerLogin(talk: Talk, { tag, at }: Head, text: string): TalkStep {
  if (!hasTls(talk)) return refuseClear(talk, replies.privacyRequired(tag));
  const parsed = parseLogin(text, at);
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  const login = loginOf(tag, { by: 'password', ...parsed.value });
  return login === undefined ? refuseName(talk, replies.authenticationFailed(tag)) : { is: 'login', login };
}

async function answerAuthenticate(talk: Talk, { tag, at }: Head, text: string): Promise<TalkStep> {
  if (!hasTls(talk)) return refuseClear(talk, replies.privacyRequired(tag));
  const parsed = parseAuthenticate(text, at);
  if ('fault' in parsed) return syntaxMistake(talk, tag, parsed.fault);
  return authenticate(
    talk,
    { tag, ...parsed.value },
    {
      ask: (challenge) => {
        talk.conversation.reply(replies.challenge(challenge));
        return talk.conversation.readLine();
      },
      replies: saslReplies(tag),
    },
  );
}

function saslReplies(tag: string): SaslReplies {
  return {
    unsupportedMechanism: replies.unsupportedMechanism(tag),
    cancelled: replies.cancelled(tag),
    badBase64: replies.badBase64(tag),
    authenticationFailed: replies.authenticationFailed(tag),
  };
}

/** What a client pipelined behind a login that was refused is no mistake of its own. */
function answerUnknown(talk: Talk, tag: string, name: string): TalkStep {
  if (!laterCommands.has(name)) return mistake(talk, replies.unknownCommand(tag));
  talk.conversation.reply(replies.logInFirst(tag));
  return undefined;
}

function syntaxMistake(talk: Talk, tag: string, { column, wanted }: SyntaxFault): TalkStep {
  return mistake(talk, replies.syntax(tag, column, wanted));
}

/** Before TLS no mechanism is named, and no login taken (V05). */
function clearCapabilities({ baseline, hasStartTls }: PreambleSettings): string {
  const own = ['IMAP4rev1', 'LITERAL+', 'ID', ...(hasStartTls ? ['STARTTLS'] : []), 'LOGINDISABLED'];
  return joinOffers(own, withoutMechanisms(baseline), reservedWords.imap).join(' ');
}

function encryptedCapabilities({ baseline }: PreambleSettings): string {
  const own = ['IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID', 'AUTH=PLAIN'];
  return joinOffers(own, baseline, reservedWords.imap).join(' ');
}

/** RFC 9051 sections 6.3 and 6.4, with the extensions that clients use first. */
const laterCommands: ReadonlySet<string> = new Set(
  (
    'SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB NAMESPACE STATUS APPEND IDLE ' +
    'ENABLE CHECK CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE UID XLIST COMPRESS GETQUOTAROOT ' +
    'GETQUOTA GETACL MYRIGHTS GETMETADATA SORT THREAD UNAUTHENTICATE'
  ).split(' '),
);

/** A name and a password each (V28). A SASL message is a line, which the engine bounds. */
const literalBytesMax = 8 * 1024;
/** 30 pairs of an ID, each key and value a literal, are 34 KiB (V30). */
const commandBytesMax = 64 * 1024;
