/** The orders of `postern lab`: what each asks of the active manager, and what it prints when it is done. */
import { type ActiveManager, LabRefusal, type LabStatus } from './active-manager.ts';
import { type Struck, type Timeline, type WatchParts, formatTimeline, watchFault } from './fault-watch.ts';
import type { LabAccount } from './server-messages.ts';

/** What `postern lab` asks for. */
export type LabOrder =
  | { readonly order: 'status' }
  | { readonly order: 'move'; readonly database: string; readonly server: string }
  | { readonly order: 'crash' | 'freeze' | 'heal'; readonly server: string };

export interface LabAnswer {
  /** False: `lines` say why not. */
  readonly isDone: boolean;
  readonly lines: readonly string[];
  /** Where the order struck a database that was served. */
  readonly timeline?: Timeline;
  readonly status: LabStatus;
}

export interface OrderParts {
  readonly lab: ActiveManager;
  readonly watch: WatchParts;
  readonly accounts: readonly LabAccount[];
}

/** Never rejects. */
export async function carryOut(parts: OrderParts, order: LabOrder): Promise<LabAnswer> {
  try {
    return { isDone: true, ...(await carry(parts, order)), status: parts.lab.status() };
  } catch (error) {
    const why = error instanceof Error ? error.message : 'for no reason that could be told';
    const lines = [error instanceof LabRefusal ? why : `the lab failed: ${why}`];
    return { isDone: false, lines, status: parts.lab.status() };
  }
}

type Carried = Pick<LabAnswer, 'lines' | 'timeline'>;

async function carry(parts: OrderParts, order: LabOrder): Promise<Carried> {
  const { lab } = parts;
  switch (order.order) {
    case 'status':
      return { lines: statusLines(lab.status()) };
    case 'heal':
      await lab.heal(order.server);
      return { lines: [`${order.server} is back; its copies are passive and in step`] };
    case 'move':
      return strike(parts, struckBy(parts, { database: order.database }), () =>
        lab.move(order.database, order.server),
      );
    case 'crash':
      return strike(parts, struckBy(parts, { server: order.server }), async () => lab.crash(order.server));
    case 'freeze':
      return strike(parts, struckBy(parts, { server: order.server }), async () => lab.freeze(order.server));
  }
}

async function strike(
  parts: OrderParts,
  struck: Struck | undefined,
  fault: () => Promise<void>,
): Promise<Carried> {
  if (struck === undefined) {
    await fault();
    return { lines: ['done; no active copy was there'] };
  }
  const timeline = await watchFault(parts.watch, struck, fault);
  return { lines: formatTimeline(timeline), timeline };
}

/** The first served database that the fault strikes, and a mailbox in it. */
function struckBy(
  { lab, accounts }: OrderParts,
  where: { database?: string; server?: string },
): Struck | undefined {
  const database = lab
    .status()
    .databases.find(
      ({ id, activeServer, isMounted }) =>
        isMounted && (id === where.database || activeServer === where.server),
    );
  const account = accounts.find((each) => each.database === database?.id);
  if (database === undefined || account === undefined) return undefined;
  return { database: database.id, mailbox: account.mailbox, server: database.activeServer };
}

function statusLines({ servers, databases }: LabStatus): string[] {
  return [
    ...servers.map(({ server, state, ports, sessions }) => {
      const shown = Object.entries(ports).map(([protocol, port]) => `${protocol} ${port}`);
      return `${server}  ${state}  127.0.0.1: ${shown.join(', ')}  ${sessions} sessions`;
    }),
    ...databases.map(({ id, copies, epoch }) => {
      const shown = copies.map(({ server, status }) => `${server} ${status}`);
      return `${id}  ${shown.join(', ')}  (moved ${epoch - 1} times)`;
    }),
  ];
}
