/**
 * One client's talk with a front: what the client has done wrong so far, and when that is enough. The words
 * are each protocol's own; the bounds are the same for all.
 */
import type { EndReason } from '#model/end-reason';
import type { Conversation, Conversed } from './front.ts';

/** The counts never go down: neither STARTTLS nor a refused login gives new tries. */
export interface Talk {
  readonly conversation: Conversation;
  readonly words: TalkWords;
  mistakes: number;
  clearLogins: number;
  badNames: number;
}

/** What a protocol says where a talk is over. */
export interface TalkWords {
  lastWords(reason: EndReason): string;
  /** The last words behind a reply that has named the mistake. */
  readonly tooManyErrors: string;
}

/** What follows from a command: undefined to go on. */
export type TalkStep = Conversed | undefined;
/** The client left, or had to go. */
export type TalkOver = Extract<Conversed, { is: 'over' }>;

/** A talk with nothing done wrong. */
export function openTalk(conversation: Conversation, words: TalkWords): Talk {
  return { conversation, words, mistakes: 0, clearLogins: 0, badNames: 0 };
}

/** The talk is over, with the usual last words unless others are given. */
export function over(talk: Talk, reason: EndReason, lastWords = talk.words.lastWords(reason)): TalkOver {
  return { is: 'over', reason, lastWords };
}

/** A command that is none, answered with `reply`. */
export function mistake(talk: Talk, reply: string): TalkStep {
  talk.conversation.reply(reply);
  talk.mistakes++;
  return talk.mistakes < mistakesMax ? undefined : over(talk, 'syntax', talk.words.tooManyErrors);
}

/** V05: three tries are a misconfigured client, which is told so; no password is invited. */
export function refuseClear(talk: Talk, reply: string): TalkStep {
  talk.conversation.reply(reply);
  talk.clearLogins++;
  return talk.clearLogins < clearLoginsMax ? undefined : over(talk, 'tls_required');
}

/** A name that no mailbox has. The answer is that of a wrong password, so that nothing is learnt from it. */
export function refuseName(talk: Talk, reply: string): TalkStep {
  talk.conversation.reply(reply);
  talk.badNames++;
  return talk.badNames < badNamesMax ? undefined : over(talk, 'too_many_failures');
}

/** False before TLS: no login is taken there (V05). */
export function hasTls(talk: Talk): boolean {
  return talk.conversation.client.tls !== undefined;
}

/** As nginx's max_errors: more is no mail program. */
const mistakesMax = 3;
/** A program that does not read that it must not log in will not read it the fourth time either. */
const clearLoginsMax = 3;
/** Names that no directory could hold; a person mistypes once or twice. */
const badNamesMax = 3;
