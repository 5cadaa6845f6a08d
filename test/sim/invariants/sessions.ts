/** Invariants of sessions: one end each, the books in balance, waits that end, workers that come back. */
import { endReasons } from '#model/end-reason';
import { formatSessionId } from '#model/ids';
import type { SessionId } from '#model/ids';
import { ops } from '#workers/engine-link';
import type { Invariant } from './invariant.ts';

export const oneEnd: Invariant = {
  name: 'one end',
  sentence: 'every accepted connection ends with exactly one end reason, in one line of the log',
  judge: () => {
    const ended = new Set<string>();
    const logged = new Set<string>();
    return {
      on(event) {
        if (event.is === 'gatewayStarted') for (const set of [ended, logged]) set.clear();
        if (event.is === 'ended') {
          const id = formatSessionId(event.session.id as SessionId);
          if (ended.has(id)) return `session ${id} ended twice`;
          ended.add(id);
        }
        if (event.is === 'sessionLogged') {
          const { session, reason } = event;
          if (logged.has(session)) return `session ${session} has two lines in the log`;
          if (!ended.has(session)) return `session ${session} has a line in the log and lives`;
          if (!Object.hasOwn(endReasons, reason)) return `no end reason is called ${reason}`;
          logged.add(session);
        }
        return undefined;
      },
      over() {
        const lost = [...ended].filter((id) => !logged.has(id));
        return lost.length > 0
          ? `${lost.length} sessions have no line in the log, such as ${lost[0]}`
          : undefined;
      },
    };
  },
};

export const booksBalance: Invariant = {
  name: 'books balance',
  sentence: 'opened - ended = alive, at any moment',
  judge: (run) => {
    let hasChanged = false;
    return {
      on({ is }) {
        if (is === 'accepted' || is === 'turnedAway' || is === 'ended') hasChanged = true;
        return undefined;
      },
      step() {
        const gateway = run.gateway();
        if (!hasChanged || gateway === undefined || gateway.state === 'over') return undefined;
        hasChanged = false;
        const { opened, open, ended } = gateway.engine.books();
        const alive = gateway.engine.alive();
        if (opened - ended === open && open === alive) return undefined;
        return `opened ${opened} - ended ${ended}, open ${open}, alive ${alive}`;
      },
    };
  },
};

export const endIsLast: Invariant = {
  name: 'end is last',
  sentence: 'a worker that has ended a session says nothing more for it',
  judge: () => {
    const ended = new Set<number>();
    return {
      on(event) {
        if (event.is === 'gatewayStarted') ended.clear();
        if (event.is !== 'command') return undefined;
        if (ended.has(event.id))
          return `op ${event.op} came for session ${event.id}, which its worker had ended`;
        if (event.op === ops.end) ended.add(event.id);
        return undefined;
      },
    };
  },
};

export const holdsWake: Invariant = {
  name: 'holds wake',
  sentence: 'a new table ends every wait of the worker that it reaches: each login in a hold is decided anew',
  judge: (run) => {
    /** By session: the worker whose hold it is in. */
    const held = new Map<number, number>();
    /** Sessions that owe a command, and until when. */
    const owed = new Map<number, number>();
    return {
      on(event) {
        if (event.is === 'gatewayStarted') for (const map of [held, owed]) map.clear();
        if (event.is === 'workerGone')
          for (const [id, worker] of held) {
            if (worker !== event.worker) continue;
            held.delete(id);
            owed.delete(id);
          }
        if (event.is === 'ended' || event.is === 'spliced') {
          held.delete(event.session.id);
          owed.delete(event.session.id);
        }
        if (event.is === 'command') {
          owed.delete(event.id);
          if (event.op === ops.hold) held.set(event.id, event.worker);
          else if (event.op !== ops.name) held.delete(event.id);
        }
        if (event.is === 'tableTold')
          for (const [id, worker] of held) if (worker === event.worker) owed.set(id, run.now() + 1);
        return undefined;
      },
      step() {
        for (const [id, untilMs] of owed) {
          if (run.now() <= untilMs) continue;
          const worker = held.get(id) ?? -1;
          const thread = run.gateway()?.threads.living.find(({ index }) => index === worker);
          if (thread?.isStalled !== false) continue;
          return `session ${id} of worker ${worker} sleeps on`;
        }
        return undefined;
      },
    };
  },
};

export const workersReturn: Invariant = {
  name: 'workers return',
  sentence: 'when nothing breaks any more every place has a worker that is up and takes sessions',
  judge: (run) => ({
    settled() {
      const gateway = run.gateway();
      const states = gateway?.planes?.pool.states() ?? [];
      const down = states.findIndex(({ state }) => state !== 'up');
      if (down >= 0) return `worker ${down} is ${states[down]?.state}`;
      const absent = gateway?.engine
        .places()
        .find(({ wake, isSuspended }) => wake === undefined || isSuspended);
      return absent === undefined ? undefined : `place ${absent.index} takes no sessions`;
    },
  }),
};

export const everyoneReaches: Invariant = {
  name: 'everyone reaches the active copy',
  sentence: 'when nothing breaks any more every user is served by the active copy within a bounded time',
  judge: (run) => ({
    settled(isLate) {
      if (!isLate) return undefined;
      const left = run.clients.filter((client) => {
        const { database } = client.account;
        if (run.policyOf(database) !== 'exclusive') return client.servedBy() === undefined;
        return client.servedBy() !== run.cluster.activeOf(database);
      });
      if (left.length === 0) return undefined;
      const words = left.map((client) => {
        const { database } = client.account;
        const active = run.cluster.activeOf(database);
        return `${client.name} is ${client.stage()} at ${client.servedBy()}, ${database} is on ${active}`;
      });
      return words.slice(0, 4).join('; ');
    },
  }),
};

export const nothingLeft: Invariant = {
  name: 'nothing left',
  sentence: 'a gateway that was stopped leaves no session, no pin, no timer and no thread behind',
  judge: (run) => ({
    over() {
      const gateway = run.gateway();
      if (gateway === undefined) return undefined;
      const { engine, threads, main } = gateway;
      if (gateway.state !== 'over') return 'it did not come to its end';
      const { open, pins } = engine.stats();
      if (open > 0 || pins > 0) return `${open} sessions and ${pins} pins are left`;
      if (threads.living.length > 0) return `worker ${threads.living[0]?.index} lives on`;
      return main.timers > 0 ? `${main.timers} timers of the main thread are left` : undefined;
    },
  }),
};
