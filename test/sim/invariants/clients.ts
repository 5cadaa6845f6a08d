/** Invariants of what clients see, and of what nobody may see. */
import type { Invariant } from './invariant.ts';

export const rightPasswordsStand: Invariant = {
  name: 'right passwords stand',
  sentence: 'a client whose password is right never gets a tagged NO or BAD for its login',
  judge: () => ({
    on: (event) =>
      event.is === 'seen' && event.seen.is === 'wronglyRefused'
        ? `${event.seen.client}: ${event.seen.words}`
        : undefined,
  }),
};

export const greetedOnce: Invariant = {
  name: 'greeted once',
  sentence: 'no connection is greeted twice, whichever workers it had',
  judge: () => ({
    on: (event) =>
      event.is === 'seen' && event.seen.is === 'greetedTwice' ? `${event.seen.client} was` : undefined,
  }),
};

export const answersFit: Invariant = {
  name: 'answers fit',
  sentence: "a client gets answers to what it asked, and nobody else's",
  judge: () => ({
    on: (event) =>
      event.is === 'seen' && event.seen.is === 'strange'
        ? `${event.seen.client}: ${event.seen.words}`
        : undefined,
  }),
};

export const wordsBetween: Invariant = {
  name: 'words between answers',
  sentence: 'no word of ours stands within a literal or a half line of a server',
  judge: () => ({
    on: (event) =>
      event.is === 'seen' && event.seen.is === 'cutOff'
        ? `${event.seen.client}: ${event.seen.words}`
        : undefined,
  }),
};

export const secretsStay: Invariant = {
  name: 'secrets stay',
  sentence: 'no password is in a line of the log',
  judge: () => ({
    on: (event) => (event.is === 'logged' && event.text.includes('secret-of-') ? event.text : undefined),
  }),
};
