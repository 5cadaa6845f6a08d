/**
 * Goodbyes in the fake engine: which sessions, how fast, and how long the words may wait, as
 * docs/design/0001-engine-contract.md has it.
 */
import type { Goodbye, Selection } from '#native';
import { endReasonOf } from '#model/end-reason';
import type { EngineCore } from './core.ts';
import { mailboxIdOf } from './core.ts';
import type { Farewell, SessionView } from './session-view.ts';

/** One call of the main thread, and how many turns have been given out for it. */
export interface GoodbyeOrder {
  readonly farewell: Farewell;
  readonly perSecond: number;
  readonly givenAt: number;
  turns: number;
}

export async function goodbye(core: EngineCore, selection: Selection, asked: Goodbye): Promise<number> {
  const { scheduler, witness } = core.parts;
  const { reason, perSecond, windowMs } = asked;
  const farewell = { reason: endReasonOf(reason), windowMs };
  const order: GoodbyeOrder = { farewell, perSecond, givenAt: scheduler.now(), turns: 0 };
  witness.tell({ is: 'goodbye', selection, order });
  const chosen = await core.gather(({ slots }) => {
    const mine = slots.all().filter((session) => isSelected(selection, session));
    for (const session of mine) giveTurn(core, order, session);
    return mine;
  });
  return chosen.length;
}

/** Sessions that match all that is given. */
export function isSelected(selection: Selection, session: SessionView): boolean {
  const { server, database, mailbox } = session.placement;
  const { sessionIds, mailboxId, exceptServer, protocol } = selection;
  return (
    (sessionIds === undefined || sessionIds.includes(session.id)) &&
    (mailboxId === undefined || (server >= 0 && mailboxIdOf(mailbox) === mailboxId)) &&
    (selection.database === undefined || database === selection.database) &&
    (selection.server === undefined || server === selection.server) &&
    (exceptServer === undefined || (server >= 0 && server !== exceptServer)) &&
    (protocol === undefined || session.frontend.protocol === protocol)
  );
}

/** Spliced sessions have turns, evenly apart over all IO threads; the others hear it at once. */
function giveTurn(core: EngineCore, order: GoodbyeOrder, session: SessionView): void {
  const { scheduler, random, witness, rules } = core.parts;
  const isPaced = order.perSecond > 0 && session.phase === 'spliced' && rules.keepsPace;
  const turnAt = order.givenAt + (isPaced ? (order.turns++ * 1000) / order.perSecond : 0);
  // The wheel of a thread sees a turn late, never early.
  const lateMs = isPaced ? wheelMs * random.next() : 0;
  const tell = (): void => {
    if (session.isOver) return;
    if (session.phase === 'spliced') witness.tell({ is: 'told', session, order });
    session.goodbye(order.farewell);
  };
  if (isPaced) scheduler.after(turnAt + lateMs - scheduler.now(), tell);
  else tell();
}

const wheelMs = 200;
