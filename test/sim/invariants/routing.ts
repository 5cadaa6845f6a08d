/** Invariants of where sessions go: generations, owners, disputes, tables. */
import type { DatabaseRoute, RoutingTable } from '#model/routing-table';
import type { SessionView } from '../engine/session-view.ts';
import type { Invariant, RunView } from './invariant.ts';

function rowOf(table: RoutingTable | undefined, index: number): DatabaseRoute | undefined {
  return table?.databases.find((database) => database.index === index);
}

function ownerIn(row: DatabaseRoute | undefined) {
  return row === undefined || row.state.at === 'unclaimed' ? undefined : row.state.owner;
}

function believed(run: RunView): RoutingTable | undefined {
  return run.gateway()?.planes?.control.table();
}

function isExclusive(run: RunView, { placement }: SessionView): boolean {
  const name = run.gateway()?.engine.databaseName(placement.database) ?? '';
  return placement.database >= 0 && run.policyOf(name) === 'exclusive';
}

export const currentGeneration: Invariant = {
  name: 'current generation',
  sentence:
    'a session of an exclusive database is spliced to the owner of the table in force, at its generation',
  judge: (run) => ({
    on(event) {
      if (event.is !== 'spliced' || !isExclusive(run, event.session)) return undefined;
      const { database, generation, server } = event.session.placement;
      const owner = ownerIn(rowOf(believed(run), database));
      const name = run.gateway()?.engine.serverName(server);
      if (owner?.server === name && owner?.generation === generation) return undefined;
      return `spliced to ${name} at ${generation}; the owner is ${owner?.server} at ${owner?.generation}`;
    },
  }),
};

export const oneOwner: Invariant = {
  name: 'one owner',
  sentence: 'no mailbox of an exclusive database has live sessions on two servers',
  judge: (run) => ({
    on(event) {
      if (event.is !== 'spliced' || !isExclusive(run, event.session)) return undefined;
      const { mailbox, server } = event.session.placement;
      const elsewhere = run
        .gateway()
        ?.engine.all()
        .find(
          (each) =>
            each.phase === 'spliced' &&
            each.placement.mailbox === mailbox &&
            each.placement.server !== server,
        );
      if (elsewhere === undefined) return undefined;
      return `${event.session.user} is spliced to ${server} and lives on ${elsewhere.placement.server}`;
    },
  }),
};

export const closedWhileDisputed: Invariant = {
  name: 'closed while disputed',
  sentence: 'nobody is spliced to an exclusive database while two servers claim it',
  judge: (run) => ({
    on(event) {
      if (event.is !== 'spliced' || !isExclusive(run, event.session)) return undefined;
      const row = rowOf(believed(run), event.session.placement.database);
      return row?.state.at === 'disputed'
        ? `${row.id} is disputed, and ${event.session.user} was let in`
        : undefined;
    },
  }),
};

export const neverAlternating: Invariant = {
  name: 'never alternating',
  sentence: 'while the claims of one database conflict without a break its owner changes once at most',
  judge: (run) => {
    /** By agent, the latest document that counts; by database, the changes since the conflict began. */
    const latest = new Map<
      string,
      { readonly at: number; readonly mounts: ReadonlyMap<string, number | undefined> }
    >();
    const changes = new Map<string, number>();
    const owners = new Map<string, string>();

    function claimants(database: string): number {
      const fresh = [...latest].filter(([, { at }]) => run.now() - at <= run.site.settings.claimStaleAfterMs);
      const said = fresh.flatMap(([, { mounts }]) => (mounts.has(database) ? [mounts.get(database)] : []));
      const epochs = said.filter((epoch) => epoch !== undefined);
      const newest = Math.max(...epochs, epochsSeen.get(database) ?? 0);
      return said.filter((epoch) => epoch === undefined || epoch >= newest).length;
    }
    const epochsSeen = new Map<string, number>();

    function forgetAll(): void {
      for (const map of [latest, changes, owners, epochsSeen]) map.clear();
    }

    return {
      on(event) {
        if (event.is === 'gatewayGone') forgetAll();
        if (event.is === 'posted' && event.counts) {
          const mounts = new Map<string, number | undefined>();
          for (const { database, copies, epoch } of event.words) {
            if (epoch !== undefined) epochsSeen.set(database, Math.max(epoch, epochsSeen.get(database) ?? 0));
            if (copies.some(({ server, status }) => server === event.agent && status === 'Mounted'))
              mounts.set(database, epoch);
          }
          latest.set(event.agent, { at: run.now(), mounts });
        }
        if (event.is !== 'believed') return undefined;
        for (const row of event.table.databases) {
          const owner = ownerIn(row)?.server;
          const was = owners.get(row.id);
          if (owner === undefined || owner === was) continue;
          owners.set(row.id, owner);
          if (was === undefined || claimants(row.id) < 2) continue;
          const count = (changes.get(row.id) ?? 0) + 1;
          changes.set(row.id, count);
          if (count > 1)
            return `${row.id} went from ${was} to ${owner}, the change number ${count} of one conflict`;
        }
        return undefined;
      },
      step() {
        for (const database of changes.keys()) if (claimants(database) < 2) changes.delete(database);
        return undefined;
      },
    };
  },
};

export const generationsGrow: Invariant = {
  name: 'generations grow',
  sentence: 'the generation that is published of a database never shrinks, and a change of server raises it',
  judge: (run) => {
    const last = new Map<string, { readonly generation: number; readonly server: string }>();
    return {
      on(event) {
        if (event.is === 'gatewayGone' && run.site.settings.stateDir === undefined) last.clear();
        if (event.is !== 'published') return undefined;
        const { engine } = run.gateway() ?? {};
        for (const { index, server, generation } of event.table.databases) {
          const name = engine?.databaseName(index) ?? '';
          if (generation === 0) continue;
          const before = last.get(name);
          const host = server < 0 ? (before?.server ?? '') : (engine?.serverName(server) ?? '');
          last.set(name, { generation, server: host });
          if (before === undefined) continue;
          if (generation < before.generation)
            return `${name} went from ${before.generation} to ${generation}`;
          if (host !== before.server && before.server !== '' && generation === before.generation)
            return `${name} went from ${before.server} to ${host} at the same generation ${generation}`;
        }
        return undefined;
      },
    };
  },
};

export const engineFirst: Invariant = {
  name: 'engine first',
  sentence: 'no worker hears of a table before the engine has it',
  judge: (run) => ({
    on(event) {
      if (event.is !== 'tableTold') return undefined;
      const published = run.gateway()?.engine.table().revision ?? 0;
      return event.revision > published
        ? `worker ${event.worker} has ${event.revision}, the engine ${published}`
        : undefined;
    },
  }),
};

export const passwordToOwner: Invariant = {
  name: 'password to the owner only',
  sentence:
    'a login of an exclusive database is offered to no server but its owner, at the generation that it names',
  judge: (run) => {
    const owners = new Map<string, number>();
    const offered = new Set<string>();
    return {
      on(event) {
        if (event.is === 'gatewayGone') owners.clear();
        if (event.is === 'published')
          for (const { index, server, generation } of event.table.databases)
            if (server >= 0) owners.set(`${index} ${generation}`, server);
        if (event.is === 'handoff') {
          const { server, database, generation } = event.placement;
          offered.add(`${run.gateway()?.engine.serverName(server)} ${event.session.user}`);
          if (!isExclusive(run, event.session) && database < 0) return undefined;
          const name = run.gateway()?.engine.databaseName(database) ?? '';
          if (run.policyOf(name) !== 'exclusive') return undefined;
          const owner = owners.get(`${database} ${generation}`);
          if (owner !== server)
            return `${event.session.user} is handed to server ${server}; the owner was ${owner}`;
        }
        const isProbe = event.is === 'judged' && event.user.startsWith('probe-');
        if (event.is === 'judged' && !isProbe && !offered.has(`${event.server} ${event.user}`))
          return `${event.server} judged ${event.user}, who was handed to another`;
        return undefined;
      },
    };
  },
};

export const drainedTakesNobody: Invariant = {
  name: 'a drained server takes nobody',
  sentence:
    'nobody is spliced to a server that the operator has taken out of service, or that is known to be down',
  judge: (run) => ({
    on(event) {
      if (event.is !== 'spliced') return undefined;
      const server = believed(run)?.servers.find(({ index }) => index === event.session.placement.server);
      const isOut = server?.admin !== 'ready' || server.protocols.imap?.health.is === 'down';
      return isOut
        ? `${event.session.user} was let in to ${server?.id}, which is ${server?.admin}`
        : undefined;
    },
  }),
};

export const leftSessionsGo: Invariant = {
  name: 'left sessions go',
  sentence:
    'when an exclusive database has a new owner its sessions on other servers end within their window',
  judge: (run) => {
    const since = new Map<string, { readonly server: string; readonly at: number }>();
    let nextLookAt = 0;
    return {
      on(event) {
        if (event.is === 'gatewayGone') since.clear();
        if (event.is !== 'believed') return undefined;
        for (const row of event.table.databases) {
          const server = ownerIn(row)?.server;
          if (server === undefined) since.delete(row.id);
          else if (since.get(row.id)?.server !== server) since.set(row.id, { server, at: run.now() });
        }
        return undefined;
      },
      step() {
        if (run.now() < nextLookAt) return undefined;
        nextLookAt = run.now() + 200;
        const { engine } = run.gateway() ?? {};
        for (const session of engine?.all() ?? []) {
          if (session.phase !== 'spliced' || !isExclusive(run, session)) continue;
          const owner = since.get(engine?.databaseName(session.placement.database) ?? '');
          const name = engine?.serverName(session.placement.server);
          if (owner !== undefined && owner.server !== name && run.now() - owner.at > leftMs)
            return `${session.user} is still on ${name}, ${leftMs} ms after the move to ${owner.server}`;
        }
        return undefined;
      },
    };
  },
};

/** The slowest inbox of an IO thread, a stuck main thread, and some. */
const leftMs = 5_000;
