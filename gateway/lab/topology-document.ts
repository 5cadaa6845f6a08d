/**
 * What an agent on a server tells the gateway: the feed `edge-topology/1`, one document a server and period
 * (docs/agent-feed.md). Pure; active-manager.ts knows the state, feed.ts posts.
 */
import type { CopyStatus } from '#model/claim';

export interface DatabaseView {
  readonly id: string;
  /** The server whose copy is the active one, mounted or not. */
  readonly activeServer: string;
  readonly isMounted: boolean;
  readonly epoch: number;
  /** In the order of preference. */
  readonly copies: readonly CopyView[];
}

export interface CopyView {
  readonly server: string;
  readonly status: CopyStatus;
}

export interface TopologyDocument {
  readonly schema: 'edge-topology/1';
  readonly agent: string;
  /** Grows with each document of an agent. */
  readonly seq: number;
  readonly observedAt: string;
  readonly server: Readonly<Record<string, unknown>>;
  readonly databases: readonly DocumentDatabase[];
  readonly mailboxes: null;
}

export interface DocumentDatabase {
  readonly name: string;
  readonly guid: string;
  readonly activeServer: string;
  readonly mounted: boolean;
  /** How often the active copy moved. Exchange has none; a source that counts may say so. */
  readonly epoch: number;
  readonly copies: readonly Readonly<Record<string, unknown>>[];
}

/** One server's document. `now`: milliseconds since 1970. */
export function topologyDocument(
  server: string,
  databases: readonly DatabaseView[],
  moment: { seq: number; now: number },
): TopologyDocument {
  return {
    schema: 'edge-topology/1',
    agent: server,
    seq: moment.seq,
    observedAt: new Date(moment.now).toISOString(),
    server: {
      name: server,
      fqdn: `${server}.demo.test`,
      version: 'lab',
      dag: 'lab',
      autoActivationPolicy: 'Unrestricted',
      activationDisabledAndMoveNow: false,
      components: { ServerWideOffline: { state: 'Active', requesters: [] } },
    },
    databases: databases
      .filter(({ copies }) => copies.some((copy) => copy.server === server))
      .map(documentDatabase),
    mailboxes: null,
  };
}

function documentDatabase({ id, activeServer, isMounted, epoch, copies }: DatabaseView): DocumentDatabase {
  return {
    name: id,
    guid: id,
    activeServer,
    mounted: isMounted,
    epoch,
    copies: copies.map(({ server, status }, index) => ({
      server,
      status,
      activationPreference: index + 1,
      activationSuspended: false,
      copyQueueLength: status === 'Healthy' || status === 'Mounted' ? 0 : null,
      replayQueueLength: status === 'Healthy' || status === 'Mounted' ? 0 : null,
      contentIndexState: 'NotApplicable',
    })),
  };
}
