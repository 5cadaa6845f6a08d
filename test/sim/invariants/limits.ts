/** Invariants of bounds: no queue, table, list or buffer is over its limit, and drains keep their pace. */
import type { GoodbyeFacts } from '../witness.ts';
import type { Invariant } from './invariant.ts';

export const queuesBounded: Invariant = {
  name: 'queues bounded',
  sentence: "a worker's queue holds what clients send within its bound, news of sessions within twice that",
  judge: (run) => ({
    on(event) {
      const bound = 2 * run.site.queueRecordsMax;
      if (event.is === 'queued' && event.size > bound)
        return `${event.size} events wait for worker ${event.place}`;
      return undefined;
    },
  }),
};

export const piecesBounded: Invariant = {
  name: 'pieces bounded',
  sentence: 'no client has more than 160 lines and literals with its worker that are not answered',
  judge: () => ({
    on: (event) =>
      event.is === 'queued' && event.pieces > 160 ? `${event.pieces} pieces of one client` : undefined,
  }),
};

export const workersForget: Invariant = {
  name: 'workers forget',
  sentence: 'a worker holds no session that it was told, or has said itself, to be over',
  judge: (run) => ({
    on(event) {
      if (event.is !== 'pong') return undefined;
      const known = run.gateway()?.engine.places()[event.worker]?.held.size ?? 0;
      return event.sessions > known
        ? `worker ${event.worker} holds ${event.sessions}, ${known} are alive`
        : undefined;
    },
  }),
};

export const timersBounded: Invariant = {
  name: 'timers bounded',
  sentence:
    'the control plane has a few timers for each part of the site, a worker one for each of its sessions',
  judge: (run) => ({
    step() {
      const gateway = run.gateway();
      if (gateway === undefined || gateway.state === 'over') return undefined;
      const { servers, workers, monitor } = run.site.settings;
      const bound = 6 + 3 * (servers.length + workers + monitor.probeAccounts.length);
      if (gateway.main.timers > bound)
        return `${gateway.main.timers} timers on the main thread; ${bound} are due`;
      for (const { index, timers } of gateway.threads.living) {
        const held = gateway.engine.places()[index]?.held.size ?? 0;
        if (timers > held) return `worker ${index} has ${timers} timers for ${held} sessions`;
      }
      return undefined;
    },
  }),
};

export const holdsBounded: Invariant = {
  name: 'holds bounded',
  sentence: 'no single wait for a database is longer than POSTERN_MOVE_HOLD_FOR',
  judge: (run) => ({
    on(event) {
      const { holdForMs } = run.site.settings;
      if (event.is !== 'command' || event.op !== 7) return undefined;
      // Whole milliseconds cross, rounded up.
      return event.argument > holdForMs + 1
        ? `a hold of ${event.argument} ms; ${holdForMs} at most`
        : undefined;
    },
  }),
};

export const drainsPaced: Invariant = {
  name: 'drains paced',
  sentence:
    'a drain has the pace and the window of the settings; nobody is told before their turn or outlives it',
  judge: (run) => {
    const told = new Map<object, number>();
    let due: { readonly id: number; readonly at: number }[] = [];
    return {
      on(event) {
        if (event.is === 'gatewayStarted') due = [];
        if (event.is === 'goodbye' && event.order.farewell.reason === 'drained')
          return wrongPace(event.order, run.site.settings.goodbye);
        if (event.is !== 'told') return undefined;
        const { perSecond, farewell, givenAt } = event.order;
        due.push({ id: event.session.id, at: run.now() + farewell.windowMs });
        if (perSecond === 0) return undefined;
        const count = (told.get(event.order) ?? 0) + 1;
        told.set(event.order, count);
        const turns = 1 + Math.floor(((run.now() - givenAt) * perSecond) / 1000);
        return count > turns ? `${count} are told; ${turns} turns have come` : undefined;
      },
      step() {
        const over = due.filter(({ at }) => at < run.now());
        if (over.length === 0) return undefined;
        due = due.filter(({ at }) => at >= run.now());
        const living = new Set(
          run
            .gateway()
            ?.engine.all()
            .filter(isSpliced)
            .map(({ id }) => id),
        );
        const late = over.find(({ id }) => living.has(id));
        if (late !== undefined) return `session ${late.id} is alive behind its window`;
        return undefined;
      },
    };
  },
};

function isSpliced({ phase }: { readonly phase: string }): boolean {
  return phase === 'spliced';
}

function wrongPace({ perSecond, farewell }: GoodbyeFacts, settings: { perSecond: number; windowMs: number }) {
  if (perSecond === settings.perSecond && farewell.windowMs === settings.windowMs) return undefined;
  return `a drain at ${perSecond} a second within ${farewell.windowMs} ms`;
}
