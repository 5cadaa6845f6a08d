/**
 * Goodbyes in the fake engine: which sessions, how fast, and how long the words may wait. `orderOf` is the
 * one place that knows the form in which the control plane asks for them.
 */
import type { Goodbye, Selection } from '#native';
import { endReasonOf } from '#model/end-reason';
import type { Scheduler } from '../scheduler.ts';
import type { Farewell, SessionView } from './session-view.ts';

/** `perSecond` 0: all at once. */
export interface GoodbyeOrder {
  readonly farewell: Farewell;
  readonly perSecond: number;
}

/** The form with a pace and a window, and the older one that can only spare who is busy. */
type GoodbyeForm = Omit<Goodbye, 'sparesBusy'> &
  Partial<Pick<Goodbye, 'sparesBusy'>> & { readonly perSecond?: number; readonly windowMs?: number };

export function orderOf({ reason, words, sparesBusy = false, ...paced }: GoodbyeForm): GoodbyeOrder {
  const { perSecond = 0, windowMs = 0 } = paced;
  return { farewell: { reason: endReasonOf(reason), words, forMs: windowMs, sparesBusy }, perSecond };
}

export function isSelected(selection: Selection, session: SessionView, mailboxIdOf: (key: string) => string) {
  const { server, database, mailbox } = session.placement;
  const { sessionIds, mailboxId, exceptServer } = selection;
  return (
    (sessionIds === undefined || sessionIds.includes(session.id)) &&
    (mailboxId === undefined || (server >= 0 && mailboxIdOf(mailbox) === mailboxId)) &&
    (selection.database === undefined || database === selection.database) &&
    (selection.server === undefined || server === selection.server) &&
    (exceptServer === undefined || (server >= 0 && server !== exceptServer))
  );
}

/** Tells them evenly, at most so many a second; all at once where the pace is 0. */
export function tellPaced(
  { scheduler, rules: { keepsPace } }: { scheduler: Scheduler; rules: { keepsPace: boolean } },
  sessions: readonly SessionView[],
  { farewell, perSecond }: GoodbyeOrder,
  onTold: (session: SessionView) => void,
): void {
  sessions.forEach((session, index) => {
    const tell = (): void => {
      if (session.isOver) return;
      onTold(session);
      session.goodbye(farewell);
    };
    if (perSecond === 0 || !keepsPace) tell();
    else scheduler.after((index * 1000) / perSecond, tell);
  });
}
