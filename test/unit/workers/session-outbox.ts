/** A session with an outbox that tells in words what was put into it. */
import type { SessionId } from '#model/ids';
import { type Outbox, ops } from '#workers/engine-link';
import { Session, clientFactsOf } from '#workers/session';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';

export interface Rig {
  readonly session: Session;
  readonly clock: FakeClock;
  /** "write 10 text" each. */
  readonly said: string[];
  readonly gone: SessionId[];
}

export function openRig(): Rig {
  const said: string[] = [];
  const gone: SessionId[] = [];
  const clock = fakeClock();
  const nameOf = (op: number): string | undefined => Object.entries(ops).find(([, code]) => code === op)?.[0];
  const outbox: Outbox = {
    put: (op, _, argument, text) => void said.push(`${nameOf(op)} ${argument} ${text}`.trim()),
    putName: (_, user) => void said.push(`name ${user}`),
    putHandoff: (_, consumed, request) => void said.push(`handoff ${consumed} to ${request.server}`),
    flush: () => undefined,
  };
  const id = 2748 as SessionId;
  const client = clientFactsOf(id, '192.0.2.7 50000 198.51.100.1 143 - - - -', false);
  const onGone = (one: SessionId): void => void gone.push(one);
  const session = new Session(id, client, { outbox, clock, hasLiterals: true, onGone });
  return { session, clock, said, gone };
}
