/** Gives the admin API its parts: each route's question, asked of the engine and the control plane. */
import type { Goodbye, Selection, SessionRow } from '#native';
import type { AdminParts } from '#gateway/admin/routes';
import { limits } from '#gateway/admin/limits';
import { samplesOf } from '#gateway/admin/metric-samples';
import { createMetrics } from '#gateway/admin/metrics';
import type { LookupMailbox, Snapshot } from '#gateway/admin/snapshot';
import { statusOf } from '#gateway/admin/status-view';
import { type Decide, whereisOf } from '#gateway/admin/whereis-view';
import { selectionOf, unknownServer, whoOf } from '#gateway/admin/who-view';
import { urgentPace } from '#gateway/drain/pace';
import type { Log } from '#lib/log';
import { codeOf } from '#model/end-reason';
import type { ServerId } from '#model/ids';
import type { AdminState } from '#model/routing-table';

export interface AdminPartsSources {
  readonly engine: {
    lookupMailbox: LookupMailbox;
    sessions(selection: Selection, limit: number): Promise<SessionRow[]>;
    goodbye(selection: Selection, goodbye: Goodbye): Promise<number>;
  };
  readonly snapshot: () => Snapshot;
  readonly decide: Decide;
  /** The mailbox that a login name opens, by the rule of the fronts. */
  readonly keyOf: (loginName: string) => string;
  readonly setAdmin: (server: ServerId, admin: AdminState) => void;
  readonly log: Log;
}

export function adminPartsOf({
  engine,
  snapshot,
  decide,
  keyOf,
  setAdmin,
  log,
}: AdminPartsSources): AdminParts {
  const lookup: LookupMailbox = (name) => engine.lookupMailbox(keyOf(name));
  return {
    status: () => statusOf(snapshot()),
    whereis: (name) => whereisOf(snapshot(), { mailbox: keyOf(name), found: lookup(name) }, decide),
    who: async (filter) => {
      const { table } = snapshot();
      const selection = selectionOf(filter, table, lookup);
      if (typeof selection === 'string') return selection;
      const limit = filter.limit ?? limits.sessionsUsual;
      return whoOf(await engine.sessions(selection, limit + 1), limit, table);
    },
    kick: async (name) => {
      const mailbox = keyOf(name);
      const mailboxId = lookup(name).id;
      const ended = await engine.goodbye({ mailboxId }, { reason: codeOf('kicked'), ...urgentPace });
      log.info('admin: mailbox kicked', { mailbox, ended });
      return { mailbox, ended };
    },
    setAdmin: async (name, admin) => {
      const { table } = snapshot();
      const server = table.servers.find(({ id }) => id === name.toLowerCase());
      if (server === undefined) return unknownServer(name, table);
      // Counted before the order: afterwards they are leaving.
      const sessions = await engine.sessions({ server: server.index }, limits.sessionsMax);
      log.info(`admin: server ${server.id} to be set to ${admin}`, { server: server.id, was: server.admin });
      setAdmin(server.id, admin);
      return { server: server.id, admin, sessions: sessions.length };
    },
    metrics: createMetrics(() => samplesOf(snapshot())),
    unhealthyWhy: () => unhealthyWhy(snapshot()),
  };
}

function unhealthyWhy({ isStopping, workers }: Snapshot): string | undefined {
  if (isStopping) return 'the gateway is stopping';
  return workers.some(({ state }) => state === 'up') ? undefined : 'no worker is up';
}
