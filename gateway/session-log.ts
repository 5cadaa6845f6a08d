/** One line in the log for each session that has ended, from the engine's records, in batches. */
import type { EndRecord } from '#native';
import type { Clock } from '#lib/clock';
import type { Log, LogFields } from '#lib/log';
import { endReasonOf, endReasons } from '#model/end-reason';
import { type SessionId, formatSessionId } from '#model/ids';
import type { RoutingTable } from '#model/routing-table';

export interface SessionLogParts {
  readonly engine: { onEnds(wake: () => void): void; takeEnds(max: number): EndRecord[] };
  /** False: the records are taken and thrown away, so that the engine's room for them does not fill up. */
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

export function startSessionLog({ engine, isOn, table, clock, log }: SessionLogParts): SessionLog {
  let isScheduled = false;

  function takeBatch(): boolean {
    const records = engine.takeEnds(batchMax);
    if (isOn) for (const record of records) log.session(fieldsOf(record, table()));
    return records.length === batchMax;
  }
  function takeSome(): void {
    isScheduled = false;
    if (takeBatch()) schedule();
  }
  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    clock.setTimer(0, takeSome);
  }

  engine.onEnds(schedule);
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
    tls: tls || undefined,
    user: session.user || undefined,
    database: table.databases.find(({ index }) => index === session.database)?.id,
    server: table.servers.find(({ index }) => index === session.server)?.id,
    generation: session.generation > 0 ? session.generation : undefined,
    localPort: session.localPort > 0 ? session.localPort : undefined,
    reason: name,
    fault: endReasons[name].fault,
    detail: detail || undefined,
    preambleMs,
    totalMs: session.ageMs,
    bytesIn: session.bytesIn,
    bytesOut: session.bytesOut,
  };
}
