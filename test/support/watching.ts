/**
 * What tests look at from outside: the gateway's memory and open files, its status, how its sessions ended.
 */
import { readFileSync, readdirSync } from 'node:fs';
import type { DatabaseRow, StatusDocument, WhoDocument, WhoRow } from '#gateway/admin/api';
import { eventually } from './eventually.ts';
import type { Gateway, LogRecord } from './gateway.ts';

/** Resident memory in MiB, all threads. */
export function residentMib({ pid }: Gateway): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

export function openFiles({ pid }: Gateway): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export async function statusOf(gateway: Gateway): Promise<StatusDocument> {
  return (await gateway.admin('GET /v1/status')).json();
}

export async function databaseRow(gateway: Gateway, database: string): Promise<DatabaseRow> {
  const row = (await statusOf(gateway)).databases.find((each) => each.database === database);
  if (row === undefined) throw new Error(`the status has no ${database}`);
  return row;
}

export async function sessionsOf(gateway: Gateway): Promise<readonly WhoRow[]> {
  return (await gateway.admin('GET /v1/sessions')).json<WhoDocument>().sessions;
}

/** Waits for the log line of a session that ended for this reason. */
export async function endedAs(gateway: Gateway, reason: string): Promise<LogRecord> {
  const seen = () => [...new Set(gateway.ends().map((record) => String(record['reason'])))].join(', ');
  return eventually(`a session that ends as ${reason}`, () =>
    gateway.ends().find((record) => record['reason'] === reason),
  ).catch((error: Error) => {
    throw new Error(`${error.message}; seen: ${seen()}`);
  });
}

/** Waits until the server's IMAP is believed to be up or down; gives the words of it. */
export async function healthOf(gateway: Gateway, server: string, wanted: 'up' | 'down'): Promise<string> {
  const row = await eventually(`${server} ${wanted}`, async () => {
    const found = (await statusOf(gateway)).servers.find((each) => each.server === server)?.protocols[0];
    return found?.health === wanted && found;
  });
  return row.why;
}
