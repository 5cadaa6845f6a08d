/**
 * What is offered before a login: by us to clients, which is the frontend's baseline whatever happens to be
 * up, and by servers to us, as the monitors have seen it. All words are upper case; what has values stands
 * once with each, as in `AUTH=PLAIN`.
 */
import type { ServerOffer } from '#model/routing-table';
import type { HandoffPlan } from './front.ts';

/** What the front gives by itself, then the frontend's baseline but for the words that no setting may add. */
export function joinOffers(
  own: readonly string[],
  baseline: readonly string[],
  reserved: ReadonlySet<string>,
): string[] {
  return [...own, ...baseline.filter((word) => !own.includes(word) && !reserved.has(word))];
}

/** Before TLS no mechanism is named (V05). */
export function withoutMechanisms(baseline: readonly string[]): string[] {
  return baseline.filter((word) => !word.startsWith('AUTH='));
}

/** The values that a word stands with, in their order: the mechanisms of `AUTH`. */
export function valuesOf(words: readonly string[], name: string): string[] {
  return words.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1));
}

/** What a handoff must know of any server. */
export interface KnownOffer {
  /** False: no monitor has asked the server yet. */
  readonly isKnown: boolean;
  readonly mechanisms: ReadonlySet<string>;
  has(word: string): boolean;
}

/** A server's offer, to be asked for its words. */
export function knownOffer({ capabilities }: ServerOffer): KnownOffer {
  return {
    isKnown: capabilities.length > 0,
    mechanisms: new Set(valuesOf(capabilities, 'AUTH')),
    has: (word) => capabilities.includes(word),
  };
}

/** A plan that is no script. */
export type NoWay = Exclude<HandoffPlan, { is: 'script' }>;

/**
 * The server does not take the client's mechanism. Mail programs show the reply as a wrong password: it is
 * only for a server whose word we have.
 */
export function noMechanism({ isKnown }: Pick<KnownOffer, 'isKnown'>, reply: string): NoWay {
  return isKnown ? { is: 'unsupported', reply } : { is: 'unknown' };
}
