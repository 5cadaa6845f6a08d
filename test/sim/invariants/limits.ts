/** Invariants of bounds: no queue, table, list or buffer is over its limit, and drains keep their pace. */
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
      const { servers, workers } = run.site.settings;
      const bound = 6 + 3 * servers.length + 3 * workers;
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
      return event.argument > holdForMs ? `a hold of ${event.argument} ms; ${holdForMs} at most` : undefined;
    },
  }),
};

export const drainsPaced: Invariant = {
  name: 'drains paced',
  sentence: 'sessions are told to go no faster than asked for, and are gone when their window is over',
  judge: (run) => {
    const told = new Map<object, number[]>();
    const due: { readonly id: number; readonly at: number }[] = [];
    return {
      on(event) {
        if (event.is === 'gatewayStarted') due.length = 0;
        if (event.is !== 'told') return undefined;
        const { perSecond, farewell } = event.order;
        if (!farewell.sparesBusy) due.push({ id: event.session.id, at: run.now() + farewell.forMs + 1 });
        if (perSecond === 0) return undefined;
        const moments = [...(told.get(event.order) ?? []), run.now()].filter((at) => run.now() - at < 1000);
        told.set(event.order, moments);
        return moments.length > Math.ceil(perSecond) + 1
          ? `${moments.length} told within a second`
          : undefined;
      },
      step() {
        while (due[0] !== undefined && due[0].at < run.now()) {
          const { id } = due[0];
          due.shift();
          const session = run
            .gateway()
            ?.engine.all()
            .find((each) => each.id === id);
          if (session?.phase === 'spliced') return `session ${id} is alive behind its window`;
        }
        return undefined;
      },
    };
  },
};
