/**
 * From a login to a spliced session: place it, hand it over, and try again where that can help. What is
 * said to the client afterwards is login-session.ts's.
 *
 * A login that a server has judged is never offered to another one.
 */
import type { Clock } from '#lib/clock';
import { unreachable } from '#lib/assert';
import type { EndReason } from '#model/end-reason';
import type { Front } from '#workers/fronts/front';
import type { Login } from '#workers/fronts/sasl';
import type { HandoffRequest } from './engine-link.ts';
import {
  type Mailbox,
  type Over,
  type Router,
  type Search,
  type Served,
  beginSearch,
  failedServerPauseMs,
  heldElsewherePauseMs,
  pause,
  place,
} from './place.ts';
import type { HandoffOutcome, Session } from './session.ts';

export interface OpenDeps {
  readonly front: Front;
  readonly router: Router;
  readonly clock: Clock;
  readonly holdForMs: number;
  /** For what an operator has to mend, in words. */
  readonly warn: (text: string) => void;
}

export type Opened =
  | { readonly is: 'spliced' }
  /** The client gets `reply` and may try again. `isJudged`: a server said no, perhaps to a guess. */
  | { readonly is: 'refused'; readonly reply: string; readonly isJudged: boolean }
  | Over;

/** Opens a server for the login and joins the session to it. */
export async function openServer(session: Session, login: Login, deps: OpenDeps): Promise<Opened> {
  const { front, router, clock } = deps;
  const search = beginSearch(router, clock, deps.holdForMs);
  const mailbox = router.mailboxOf(login.mailboxKey);
  let failures = 0;
  for (;;) {
    const placed = await place(session, mailbox, search);
    if (placed.is === 'over') return placed;
    const { served } = placed;
    const plan = front.handoff(login, served.protocolRoute, session.client);
    switch (plan.is) {
      case 'unsupported':
        return { is: 'refused', reply: plan.reply, isJudged: false };
      case 'impossible':
        deps.warn(`${served.server.id} can't be logged in to: ${plan.why}`);
        return { is: 'over', reason: 'server_unexpected' };
      case 'unknown':
        if (await readyToAskAgain(session, search, served)) continue;
        return { is: 'over', reason: 'server_down' };
      case 'script':
        break;
      default:
        return unreachable(plan);
    }
    const outcome = await session.handoff(requestOf(mailbox, served, plan.script));
    if (outcome.is !== 'failed') return judged(login, { outcome, served, deps });
    if (!hasMoved(outcome.reason)) failures++;
    const mayRetry = failures < failuresMax && (await readyToRetry(session, search, served, outcome));
    if (!mayRetry) return { is: 'over', reason: outcome.reason };
  }
}

type Failed = Extract<HandoffOutcome, { is: 'failed' }>;

interface Judgement {
  readonly outcome: Exclude<HandoffOutcome, Failed>;
  readonly served: Served;
  readonly deps: OpenDeps;
}

function judged(login: Login, { outcome, served, deps }: Judgement): Opened {
  switch (outcome.is) {
    case 'spliced':
      return outcome;
    case 'fault':
    case 'ended':
      return { is: 'over', reason: outcome.reason };
    case 'refused': {
      const refusal = deps.front.refusalOf(login, outcome.line);
      if (refusal.is === 'reply') return { is: 'refused', reply: refusal.text, isJudged: true };
      if (refusal.why !== undefined) deps.warn(`${served.server.id} refuses logins: ${refusal.why}`);
      return { is: 'over', reason: 'server_unexpected', lastWords: refusal.lastWords };
    }
  }
}

/** A server of which nothing is known: another one where there is a choice, else a table that tells more. */
async function readyToAskAgain(session: Session, search: Search, served: Served): Promise<boolean> {
  if (served.database?.policy === 'exclusive') return pause(session, search, Infinity);
  search.avoid.push(served.server.index);
  return !session.isGone;
}

/** True where another try can help, and once its time has come. */
async function readyToRetry(
  session: Session,
  search: Search,
  served: Served,
  failed: Failed,
): Promise<boolean> {
  if (hasMoved(failed.reason)) return pause(session, search, heldElsewherePauseMs);
  if (!failed.isUntouched) return false;
  if (served.database?.policy === 'exclusive') return pause(session, search, failedServerPauseMs);
  search.avoid.push(served.server.index);
  return true;
}

/**
 * The server took the login, but the mailbox belongs to another by now: asking again is right, up to the
 * hold time.
 */
function hasMoved(reason: EndReason): boolean {
  return reason === 'copy_moved' || reason === 'held_elsewhere';
}

function requestOf(mailbox: Mailbox, served: Served, script: Uint8Array): HandoffRequest {
  return {
    server: served.server.index,
    database: served.database?.index ?? -1,
    generation: served.generation,
    mailboxLow: mailbox.low,
    mailboxHigh: mailbox.high,
    isExclusive: served.database?.policy === 'exclusive',
    script,
  };
}

/** Three servers that can't be reached are no accident of one of them. */
const failuresMax = 3;
