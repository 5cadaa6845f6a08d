/**
 * Builds that are broken on purpose, each to break one invariant: changes of the production sources, and
 * rules that the fake engine is to forget. docs/testing.md has the table.
 */
import type { Change } from './bundle.ts';
import type { EngineRules } from './engine/parts.ts';

export interface Mutation {
  readonly what: string;
  /** The invariant that must notice. */
  readonly breaks: string;
  readonly changes: readonly Change[];
  readonly rules: Partial<EngineRules>;
}

const inSource = (
  breaks: string,
  what: string,
  path: string,
  [from, to]: readonly [string, string],
): Mutation => {
  return { what, breaks, changes: [{ path, from, to }], rules: {} };
};
const inEngine = (breaks: string, what: string, rule: keyof EngineRules): Mutation => {
  return { what, breaks, changes: [], rules: { [rule]: false } };
};

export const mutations: readonly Mutation[] = [
  inSource('current generation', 'workers ask for no second look at the table', 'workers/open-server.ts', [
    "isExclusive: served.database?.policy === 'exclusive'",
    'isExclusive: false',
  ]),
  inEngine('current generation', 'the engine does not look at the table again', 'checksGeneration'),
  {
    what: 'neither the workers nor the engine look at the pins',
    breaks: 'one owner',
    changes: [
      {
        path: 'workers/route.ts',
        from: 'if (pinnedServer >= 0 && pinnedServer !== server?.index)',
        to: 'if (pinnedServer < -1)',
      },
    ],
    rules: { checksPins: false },
  },
  {
    what: 'a disputed database keeps its owner in both tables',
    breaks: 'closed while disputed',
    changes: [
      { path: 'gateway/routing/publish.ts', from: "state.at === 'disputed' ? nobody : ", to: '' },
      {
        path: 'workers/route.ts',
        from: "if (isExclusive) return hold('database_conflict', dispute);",
        to: '',
      },
    ],
    rules: {},
  },
  inSource('never alternating', 'of two claims the one that is new wins', 'gateway/cluster/active-copy.ts', [
    "if (mounted.length > 1) return { at: 'disputed', owner: ownerOf(before), claimants: mounted };",
    'if (mounted.length > 1 && mounted[0] === ownerOf(before)?.server) mounted.reverse();',
  ]),
  inSource(
    'generations grow',
    'a move gets the generation that was there',
    'gateway/cluster/active-copy.ts',
    ['Math.max(next, epoch ?? wallMs)', 'Math.max(next - 1, epoch ?? 0)'],
  ),
  inSource('engine first', 'every other table goes to the workers only', 'gateway/routing/publish.ts', [
    'engine.publish(engineTableOf(table, trustOf));',
    'if (table.revision % 2 === 1) engine.publish(engineTableOf(table, trustOf));',
  ]),
  inSource('password to the owner only', 'logins go to the first server', 'workers/route.ts', [
    'const { pinnedServer } = question;',
    'const pinnedServer = -1;\n  if (why) return serve(table.servers[0], owned, question, why);',
  ]),
  inSource(
    'a drained server takes nobody',
    'a server in drain keeps its endpoints',
    'gateway/routing/publish.ts',
    ["server.admin === 'ready' && health.is !== 'down'", 'true'],
  ),
  inSource('left sessions go', 'nobody is told that a database has moved', 'gateway/drain/drain-plan.ts', [
    "policy === 'exclusive' &&",
    "policy === 'free' &&",
  ]),
  inSource('left sessions go', 'the drainer forgets to tell', 'gateway/drain/drainer.ts', [
    'await Promise.all(plan.map(carryOutOne));',
    'await Promise.all(plan.slice(1).map(carryOutOne));',
  ]),
  inSource('one end', 'the log has some sessions twice', 'gateway/session-log.ts', [
    'for (const record of records)',
    'for (const record of [...records, ...records.slice(5)])',
  ]),
  inEngine('one end', 'the engine records an end twice', 'endsOnce'),
  inEngine('books balance', 'some ends are not counted', 'countsEnds'),
  inSource('end is last', 'a session is ended twice', 'workers/session.ts', [
    'this.#put(ops.end, codeOf(reason), lastWords);',
    "this.#put(ops.end, codeOf(reason), lastWords);\n    this.#put(ops.end, codeOf(reason), '');",
  ]),
  inSource('holds wake', 'a new table wakes nobody', 'workers/worker.ts', [
    'for (const session of byId.values()) session.onTable();',
    '',
  ]),
  inSource('workers return', 'the supervisor never replaces a worker', 'gateway/pool/supervisor.ts', [
    'if (stopping.signal.aborted) break;',
    'if (current.restarts === 0) break;',
  ]),
  inSource(
    'everyone reaches the active copy',
    'a server that went down never comes up',
    'gateway/cluster/server-state.ts',
    ['state.goods >= rules.riseCount', 'state.goods > rules.riseCount'],
  ),
  inSource('nothing left', 'the monitors are not stopped', 'gateway/start-planes.ts', [
    'closers.unshift(() => monitors.stop());',
    '',
  ]),
  inEngine('queues bounded', 'the engine reads on while a queue is full', 'boundsQueues'),
  inEngine('pieces bounded', 'the engine bounds the queue, and not each client', 'boundsPieces'),
  inSource('workers forget', 'a worker keeps sessions that are over', 'workers/worker.ts', [
    'void byId.delete(id)',
    'void byId.get(id)',
  ]),
  inSource('timers bounded', 'a hold that is over keeps its timer', 'workers/session.ts', [
    'timer.cancel();',
    '',
  ]),
  inSource('holds bounded', 'a login waits ten times as long', 'workers/place.ts', [
    'deadline: clock.now() + holdForMs',
    'deadline: clock.now() + holdForMs * 10',
  ]),
  inSource('drains paced', 'the drainer ignores the pace', 'gateway/drain/drainer.ts', [
    'reason: codeOf(reason), ...pace }',
    'reason: codeOf(reason), ...pace, perSecond: 0 }',
  ]),
  inEngine('drains paced', 'who is busy is never cut off', 'keepsWindows'),
  inEngine('drains paced', 'all are told at once', 'keepsPace'),
  inSource(
    'right passwords stand',
    "a server's trouble is told as a wrong password",
    'workers/fronts/imap/handoff.ts',
    ["if (temporaryCodes.has(upper)) return { is: 'temporary' };", ''],
  ),
  inSource('greeted once', 'each worker greets', 'workers/fronts/imap/preamble.ts', [
    'if (!conversation.client.isGreeted)',
    'if (conversation !== undefined)',
  ]),
  inEngine('answers fit', 'a late command reaches whoever has the slot now', 'checksTurns'),
  inEngine('words between answers', 'the words are put in at once', 'waitsForBoundary'),
  inSource('secrets stay', 'the name of a session is its whole login', 'workers/login-session.ts', [
    'session.name(conversed.login.user)',
    'session.name(JSON.stringify(conversed.login))',
  ]),
];
