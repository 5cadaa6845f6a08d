/** All invariants of the simulation. docs/testing.md lists them with the mutations that break them. */
import { answersFit, greetedOnce, rightPasswordsStand, secretsStay, wordsBetween } from './clients.ts';
import type { Invariant } from './invariant.ts';
import {
  drainsPaced,
  holdsBounded,
  piecesBounded,
  queuesBounded,
  timersBounded,
  workersForget,
} from './limits.ts';
import {
  closedWhileDisputed,
  currentGeneration,
  drainedTakesNobody,
  engineFirst,
  generationsGrow,
  leftSessionsGo,
  neverAlternating,
  oneOwner,
  passwordToOwner,
} from './routing.ts';
import {
  booksBalance,
  endIsLast,
  everyoneReaches,
  holdsWake,
  nothingLeft,
  oneEnd,
  workersReturn,
} from './sessions.ts';

export const invariants: readonly Invariant[] = [
  currentGeneration,
  oneOwner,
  closedWhileDisputed,
  neverAlternating,
  generationsGrow,
  engineFirst,
  passwordToOwner,
  drainedTakesNobody,
  leftSessionsGo,
  oneEnd,
  booksBalance,
  endIsLast,
  holdsWake,
  workersReturn,
  everyoneReaches,
  nothingLeft,
  queuesBounded,
  piecesBounded,
  workersForget,
  timersBounded,
  holdsBounded,
  drainsPaced,
  rightPasswordsStand,
  greetedOnce,
  answersFit,
  wordsBetween,
  secretsStay,
];
