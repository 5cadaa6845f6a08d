/**
 * The engine of the simulation: the whole API of the main thread (gateway/engine.ts) and the workers' link,
 * over virtual time, network and servers. It keeps the rules of docs/design/0001-engine-contract.md:
 * inboxes of IO threads with delays, bounded queues, tables swapped whole, pins under the splice, one end a
 * session.
 */
import type { Engine } from '#gateway/engine';
import type { EngineTable, Goodbye, ProbeOutcome, ProbeRequest, Selection, Stats } from '#native';
import { endReasons } from '#model/end-reason';
import type { EngineLink } from '#workers/engine-link';
import type { Wire } from '../world/network.ts';
import { type ClientFacts, EngineCore, type FakeEngineParts, indexesOf, mailboxIdOf } from './core.ts';
import { goodbye, isSelected } from './goodbyes.ts';
import type { Place } from './parts.ts';
import type { EngineSession } from './session.ts';
import { Talk, reasonCodeOf } from './talk.ts';
import { joinPlace } from './worker-link.ts';

export interface FakeEngine extends Engine {
  /** A client's connection; false where nobody listens. */
  connect(client: ClientFacts, wire: Wire): boolean;
  join(index: number, wake: () => void): EngineLink;
  /** The gateway's machine is gone. */
  vanish(): void;
  /** For the invariants. */
  all(): EngineSession[];
  alive(): number;
  books(): { readonly opened: number; readonly open: number; readonly ended: number };
  places(): readonly Place[];
  table(): EngineTable;
  /** The name that an index stands for. */
  databaseName(index: number): string;
  serverName(index: number): string;
}

export function createFakeEngine(parts: FakeEngineParts): FakeEngine {
  const core = new EngineCore(parts);
  let probes = 0;
  return {
    __napiBindingTarget: 'native',
    ...lifeOf(core),
    ...tablesOf(core),
    ...sessionsOf(core),
    probe: (request) => probe(core, request, probes++),
    ...viewOf(core),
  };
}

function lifeOf(core: EngineCore) {
  return {
    start(config: Parameters<Engine['start']>[0]) {
      core.start(config);
      return {
        listeners: config.frontends.map(({ name }) => ({ frontend: name, address: '192.0.2.1:993' })),
      };
    },
    accept: () => core.accept(),
    stopAccepting: () => core.tellAll(() => (core.isAccepting = false)),
    stop() {
      for (const session of core.all()) session.cutOff();
      core.isStopped = true;
    },
    vanish() {
      core.isStopped = true;
      for (const session of core.all()) session.vanish();
    },
    connect: (client: ClientFacts, wire: Wire) => core.connect(client, wire),
    join(index: number, wake: () => void) {
      const place = core.places[index];
      if (place === undefined) throw new Error('no such place');
      return joinPlace(core, place, wake);
    },
    suspendWorker(index: number) {
      const place = core.places[index];
      if (place !== undefined) place.isSuspended = true;
    },
    setCertificates: () => {},
    hasOpenssl: () => false,
    endReasonNames: () => Object.keys(endReasons),
    takeFaults: () => [],
  };
}

function tablesOf(core: EngineCore) {
  const { mailboxes, witness } = core.parts;
  return {
    publish(next: EngineTable) {
      const known = new Set(next.servers.map(({ index }) => index));
      const lost = next.databases.find(({ server }) => server >= 0 && !known.has(server));
      if (lost !== undefined) throw new Error(`database ${lost.index} is on server ${lost.server}`);
      core.table = next;
      witness.tell({ is: 'published', table: next });
    },
    serverIndexes: (wanted: string[]) => indexesOf(core.serverNames, wanted),
    databaseIndexes: (wanted: string[]) => indexesOf(core.databaseNames, wanted),
    lookupMailbox(key: string) {
      const { low, high, database } = core.lookup(key);
      const mailbox = `${low}/${high}`;
      const [pinnedServer, hashedServer] = [core.pins.serverOf(mailbox), core.hashServer(low)];
      return { id: mailboxIdOf(mailbox), database, pinnedServer, hashedServer };
    },
    loadMailboxes: () => {
      const databases = [...new Set(mailboxes.values())];
      return Promise.resolve({ mailboxes: mailboxes.size, keys: mailboxes.size, bytes: 0, databases });
    },
  };
}

function sessionsOf(core: EngineCore) {
  return {
    onEnds: (wake: () => void) => void (core.wakeEnds = wake),
    takeEnds(max: number) {
      const taken = core.records.slice(0, max);
      core.records = core.records.slice(max);
      return taken;
    },
    goodbye: (selection: Selection, asked: Goodbye) => goodbye(core, selection, asked),
    sessions: async (selection: Selection, limit: number) => {
      const rows = await core.gather(({ slots }) =>
        slots.all().flatMap((each) => (isSelected(selection, each) ? [core.rowOf(each)] : [])),
      );
      return rows.slice(0, limit);
    },
    stats: (): Stats => ({
      ...core.counts,
      resumed: 0,
      bytesIn: 0,
      bytesOut: 0,
      endsDropped: 0,
      panics: 0,
      goodbyesWorded: 0,
      goodbyesPlain: 0,
      refusals: 0,
      refusalsDelayed: 0,
      ends: core.ends,
      workers: core.places.map(({ wake, sessions, queue }) => ({
        joined: wake !== undefined,
        sessions,
        queued: queue.size,
        oldestMs: queue.oldestMs,
        events: 0,
        wakes: 0,
      })),
      revision: core.table.revision,
      mailboxKeys: core.parts.mailboxes.size,
      pins: core.pins.size(),
    }),
  };
}

function viewOf(core: EngineCore) {
  return {
    all: () => core.all(),
    alive: () => core.alive(),
    books: () => ({ opened: core.counts.opened, open: core.counts.open, ended: core.ended }),
    places: () => core.places,
    table: () => core.table,
    databaseName: (index: number) => core.databaseNames[index] ?? '',
    serverName: (index: number) => core.serverNames[index] ?? '',
  };
}

function probe(core: EngineCore, request: ProbeRequest, turn: number): Promise<ProbeOutcome> {
  const { scheduler } = core.parts;
  return new Promise((resolve) => {
    const beganAt = scheduler.now();
    const thread = core.threads[turn % core.threads.length];
    if (thread === undefined) return;
    const script = Uint8Array.from(request.script);
    core.tell(thread, () => {
      const talk = new Talk({
        ...core.parts,
        endpoint: request.endpoint,
        script,
        connectTimeoutMs: core.config.limits.connectTimeoutMs,
        onOutcome: (outcome) => {
          if (outcome.is === 'open') outcome.wire.close();
          const detail =
            outcome.is === 'failed' ? outcome.detail : outcome.is === 'refused' ? outcome.line : '';
          const elapsedMs = scheduler.now() - beganAt;
          core.wakeMain(() =>
            resolve({ reason: reasonCodeOf(outcome), detail, lines: talk.kept(), elapsedMs }),
          );
        },
      });
    });
  });
}
