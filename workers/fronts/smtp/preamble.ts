/**
 * Submission until we know the user: from the greeting to AUTH (RFC 6409, RFC 4954), spoken by the gateway.
 *
 * Which commands may stand where is the dialogue's to judge (dialogue.ts); what is offered and said is
 * decided here. Commands are answered one by one in the order they came; what a client sends behind its
 * AUTH stays unread, and reaches the server. PURE: it waits for its client only.
 */
import { reservedWords } from '#model/reserved-words';
import { submissionWords } from '#model/submission-words';
import { isForeign } from '../foreign-line.ts';
import type { Conversation, Conversed, Preamble, PreambleSettings } from '../front.ts';
import { joinOffers, withoutMechanisms } from '../offer.ts';
import { authenticate } from '../sasl-exchange.ts';
import {
  type Talk,
  type TalkStep,
  type TalkWords,
  hasTls,
  mistake,
  openTalk,
  over,
  refuseClear,
} from '../talk.ts';
import type { Dialogue, OpenDialogue } from './dialogue.ts';
import { clientNameOf, judgedText, parseAuth, verbOf } from './grammar.ts';
import { lastWords, replies, replyTo } from './replies.ts';

export interface SubmissionSettings extends PreambleSettings {
  readonly openDialogue: OpenDialogue;
}

/** Gives what begins a talk: it greets the client, unless somebody has. */
export function openPreambles(settings: SubmissionSettings): (conversation: Conversation) => Preamble {
  const { hostname, openDialogue } = settings;
  const offers = { clear: clearOffer(settings), encrypted: encryptedOffer(settings) };
  return (conversation) => {
    const dialogue = openDialogue(conversation.client.tls !== undefined);
    const talk: SmtpTalk = { ...openTalk(conversation, words), settings, offers, dialogue, helo: noHelo };
    if (!conversation.client.isGreeted) conversation.reply(replies.greeting(hostname));
    return { converse: () => converse(talk) };
  };
}

/** One client's talk. What stands before STARTTLS is forgotten behind it, but for the counts of mistakes. */
interface SmtpTalk extends Talk {
  readonly settings: SubmissionSettings;
  /** What EHLO shows, in clear and inside TLS. */
  readonly offers: { readonly clear: readonly string[]; readonly encrypted: readonly string[] };
  dialogue: Dialogue;
  helo: Helo;
}

/** What the client's HELO or EHLO came to. `name` is fit for a server. */
interface Helo {
  readonly isExtended: boolean;
  readonly name: string | undefined;
}
const noHelo: Helo = { isExtended: false, name: undefined };

async function converse(talk: SmtpTalk): Promise<Conversed> {
  for (;;) {
    const line = await talk.conversation.readLine();
    if (typeof line !== 'string') return over(talk, line.reason);
    const step = await answer(talk, line);
    if (step !== undefined) return step;
  }
}

async function answer(talk: SmtpTalk, line: string): Promise<TalkStep> {
  if (isForeign(line)) return over(talk, 'wrong_protocol');
  const judged = judgedText(line);
  if (judged === undefined) return mistake(talk, replies.notAscii);
  const verb = verbOf(line);
  if (verb === 'AUTH' && !hasTls(talk)) return refuseClear(talk, replies.tlsForAuth);
  // RFC 3030: its bytes follow whatever is answered, and they are no commands (V21).
  if (verb === 'BDAT') return over(talk, 'syntax', loginFirst(talk));
  const judgement = await talk.dialogue.judge(judged);
  switch (judgement.is) {
    case 'auth':
      return answerAuth(talk, line);
    case 'startTls':
      return answerStartTls(talk);
    case 'answered':
      return say(talk, line, judgement.code);
  }
}

function say(talk: SmtpTalk, line: string, code: number): TalkStep {
  const verb = verbOf(line);
  const { conversation, settings } = talk;
  switch (code) {
    case 221:
      return over(talk, 'client_logout');
    case 421:
      return over(talk, 'syntax', replies.tooManyErrors);
    case 530:
      conversation.reply(loginFirst(talk));
      return undefined;
    case 250:
      break;
    default:
      if (code >= 500) return mistake(talk, replyTo(verb, code));
      conversation.reply(replyTo(verb, code));
      return undefined;
  }
  if (verb !== 'EHLO' && verb !== 'HELO') {
    conversation.reply(replyTo(verb, code));
    return undefined;
  }
  talk.helo = { isExtended: verb === 'EHLO', name: clientNameOf(line) };
  const offer = hasTls(talk) ? talk.offers.encrypted : talk.offers.clear;
  const { hostname } = settings;
  conversation.reply(talk.helo.isExtended ? replies.ehlo(hostname, offer) : replies.helo(hostname));
  return undefined;
}

/** RFC 3207 section 4: before TLS that is what is missing, whatever was wanted. */
function loginFirst(talk: SmtpTalk): string {
  return hasTls(talk) ? replies.loginFirst : replies.tlsFirst;
}

async function answerAuth(talk: SmtpTalk, line: string): Promise<TalkStep> {
  // RFC 4954 section 4: AUTH is an extension, which HELO does not ask for.
  if (!talk.helo.isExtended) return mistake(talk, replies.ehloFirst);
  const parsed = parseAuth(line);
  if (parsed === undefined) return mistake(talk, replies.authSyntax);
  const { conversation, settings, helo } = talk;
  const ask = (challenge: string) => {
    conversation.reply(replies.challenge(challenge));
    return conversation.readLine();
  };
  return authenticate(talk, { tag: helo.name ?? settings.hostname, ...parsed }, { ask, replies });
}

/** RFC 3207 section 4.2: what came before the handshake is forgotten, and the client says EHLO again. */
async function answerStartTls(talk: SmtpTalk): Promise<TalkStep> {
  if (!talk.settings.hasStartTls) return mistake(talk, replies.notImplemented);
  const stopped = await talk.conversation.startTls(replies.startTls);
  if (stopped !== undefined) return over(talk, stopped.reason);
  talk.dialogue = talk.settings.openDialogue(true);
  talk.helo = noHelo;
  return undefined;
}

/** Before TLS no mechanism is named, and no login taken (V05). */
function clearOffer({ baseline, hasStartTls }: PreambleSettings): string[] {
  const own = [...ownWords(baseline), ...(hasStartTls ? ['STARTTLS'] : [])];
  return joinOffers(own, withoutMechanisms(baseline), reservedWords.submission).map(keywordLine);
}

function encryptedOffer({ baseline }: PreambleSettings): string[] {
  const plain = joinOffers(ownWords(baseline), withoutMechanisms(baseline), reservedWords.submission);
  const more = baseline.filter((word) => word.startsWith('AUTH=')).map((word) => word.slice('AUTH='.length));
  return [...plain.map(keywordLine), `AUTH ${[...new Set(['PLAIN', 'LOGIN', ...more])].join(' ')}`];
}

/** A SIZE with its number takes the place of the one without. */
function ownWords(baseline: readonly string[]): string[] {
  const hasSize = baseline.some((word) => word.startsWith('SIZE='));
  return submissionWords.filter((word) => !(hasSize && word === 'SIZE'));
}

/** RFC 5321 section 4.1.1.1: a keyword's parameters stand behind spaces. */
function keywordLine(word: string): string {
  return word.replace('=', ' ');
}

const words: TalkWords = { lastWords, tooManyErrors: replies.tooManyErrors };
