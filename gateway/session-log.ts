/** One line in the log for each session that has ended, from the engine's records, in batches. */
import type { EndRecord } from '#native';
import type { Clock } from '#lib/clock';
import type { Log, LogFields } from '#lib/log';
import { endReasonOf, endReasons } from '#model/end-reason';
import { type SessionId, formatSessionId } from '#model/ids';
import type { RoutingTable } from '#model/routing-table';

export interface SessionLogParts {
  readonly engine: { onEnds(wake: () => void): void; takeEnds(max: number): EndRecord[] };
  /** False: nobody asks for the records, so the engine makes none. */
  readonly isOn: boolean;
  readonly table: () => RoutingTable;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SessionLog {
  /** Logs what is there now; for the end. */
  flush(): void;
}

/** About 2 ms of formatting: requests and ticks come in between batches. */
const batchMax = 256;
/**
 * Records gather for so long: a wake of the main thread for each session costs a twentieth of a login. Short
 * enough that whoever follows the log sees no lag, and the engine's room (16,384 records) does not fill up.
 */
const gatherMs = 50;

export function startSessionLog({ engine, isOn, table, clock, log }: SessionLogParts): SessionLog {
  let isScheduled = false;

  function takeBatch(): boolean {
    const records = engine.takeEnds(batchMax);
    for (const record of records) log.session(fieldsOf(record, table()));
    return records.length === batchMax;
  }
  function takeSome(): void {
    isScheduled = false;
    if (takeBatch()) schedule(0);
  }
  function schedule(delayMs: number): void {
    if (isScheduled) return;
    isScheduled = true;
    clock.setTimer(delayMs, takeSome);
  }

  if (!isOn) return { flush: () => {} };
  engine.onEnds(() => schedule(gatherMs));
  return {
    flush: () => {
      while (takeBatch());
    },
  };
}

/** What operators search for; names instead of the engine's indexes. */
export function fieldsOf(
  { session, reason, detail, tls, preambleMs }: EndRecord,
  table: RoutingTable,
): LogFields {
  const name = endReasonOf(reason);
  return {
    session: formatSessionId(session.id as SessionId),
    frontend: session.frontend,
    client: session.clientAddress,
    proxy: session.proxyAddress || undefined,
    tls: tls || undefined,
    user: session.user || undefined,
    database: table.databases.find(({ index }) => index === session.database)?.id,
    server: table.servers.find(({ index }) => index === session.server)?.id,
    generation: session.generation > 0 ? session.generation : undefined,
    localPort: session.localPort > 0 ? session.localPort : undefined,
    localAddress: session.localAddress || undefined,
    reason: name,
    fault: endReasons[name].fault,
    detail: detail || undefined,
    preambleMs,
    totalMs: session.ageMs,
    bytesIn: session.bytesIn,
    bytesOut: session.bytesOut,
  };
}
