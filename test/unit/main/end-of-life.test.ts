import { expect, test } from 'vitest';
import { changedSettings, reload } from '#gateway/reload';
import { startSessionLog } from '#gateway/session-log';
import { secretOf } from '#gateway/settings/secret';
import { settingRows } from '#gateway/settings/table';
import type { Settings } from '#gateway/settings/settings';
import { shutDown } from '#gateway/shutdown';
import { codeOf } from '#model/end-reason';
import type { RoutingTable } from '#model/routing-table';
import type { EndRecord, Stats, Goodbye } from '#native';
import { fakeClock } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { settingsOf } from '../settings/site.ts';

test('a stop tells all goodbye once, waits until they have left, and closes in order', async () => {
  const { done, clock, events, orders, engine } = stop();
  await turns();
  clock.advance(250);
  await turns();
  engine.open = 0;
  clock.advance(250);
  await done;
  expect(events).toEqual(['stopAccepting', 'goodbye', 'admin closed', 'engine closed']);
  const told = { reason: codeOf('shutdown'), perSecond: 200, windowMs: 990 };
  expect(orders).toEqual([[{}, told]]);
});

test('a stop waits for its drain timeout and the last words, and no longer', async () => {
  const { done, clock, events, log } = stop();
  for (let waited = 0; waited < 1_950; waited += 50) {
    await turns();
    clock.advance(50);
  }
  await turns();
  expect(events).toEqual(['stopAccepting', 'goodbye']);
  clock.advance(50);
  await done;
  expect(log.lines.join()).toContain('"left":2');
  expect(events.at(-1)).toBe('engine closed');
});

test('an engine that cannot say goodbye is stopped all the same', async () => {
  const { done, events } = stop({ open: 0, goodbye: () => Promise.reject(new Error('stuck')) });
  await done;
  expect(events.at(-1)).toBe('engine closed');
});

test('a part that fails to close does not keep the others open', async () => {
  const { done, events, log } = stop({ open: 0, first: () => Promise.reject(new Error('stuck')) });
  await done;
  expect(events.at(-1)).toBe('engine closed');
  expect(log.lines.join()).toContain('stuck');
});

test('each session that ended is one line, with names instead of indexes, in batches', () => {
  const { records, clock, log, wake } = sessionLog(true);
  records.push(...Array.from({ length: 300 }, () => record));
  wake();
  wake();
  clock.advance(49);
  expect(log.sessions.length).toBe(0);
  clock.advance(1);
  expect(records.length === 0 && log.sessions.length).toBe(300);
  expect(log.sessions[0]).toEqual({
    session: '01000000100001',
    frontend: 'imaps',
    client: '127.0.0.1:1',
    tls: 'TLSv1.3',
    user: 'ann',
    database: 'db1',
    server: 'ex1',
    generation: 3,
    localPort: 40_000,
    reason: 'copy_moved',
    fault: 'nobody',
    detail: undefined,
    preambleMs: 5,
    totalMs: 70,
    bytesIn: 1,
    bytesOut: 2,
  });
});

test('with POSTERN_LOG_SESSIONS=false no records are asked for', () => {
  const { clock, isListening } = sessionLog(false);
  expect([isListening(), clock.timers()]).toEqual([false, 0]);
});

test('a session that reached no server has no empty fields in its line', () => {
  const { records, clock, log, wake } = sessionLog(true);
  const session = { ...record.session, user: '', database: -1, server: -1, generation: 0, localPort: 0 };
  records.push({ ...record, session, tls: '', reason: codeOf('client_quit'), detail: 'gone' });
  wake();
  clock.advance(50);
  const { user, tls, database, server, generation, localPort, detail, reason } = log.sessions[0] ?? {};
  expect([user, tls, database, server, generation, localPort]).toEqual(Array.from({ length: 6 }));
  expect([reason, detail]).toEqual(['client_quit', 'gone']);
});

test('a reload names the settings that differ, secrets included, without showing them', () => {
  const key = (text: string) => ({ agent: { listen: undefined, key: secretOf(text) } });
  const before = { workers: 1, tls: { certificates: [] }, ...key('canary-1') } as unknown as Settings;
  expect(changedSettings(before, { ...before })).toEqual([]);
  expect(changedSettings(before, { ...before, workers: 2 })).toEqual(['POSTERN_WORKERS']);
  expect(changedSettings(before, { ...before, tls: { certificates: [{} as never] } })).toEqual([]);
  expect(changedSettings(before, { ...before, ...key('canary-2') })).toEqual(['POSTERN_AGENT_KEY']);
});

test('every setting that needs a restart is called by a name of the table', () => {
  const whole = settingsOf({
    POSTERN_COPY_SOURCES: 'file,agent',
    POSTERN_COPIES_PATH: '/etc/copies.yaml',
    POSTERN_AGENT_LISTEN: '127.0.0.1:8443',
    POSTERN_AGENT_KEY: '0123456789abcdef',
    POSTERN_STATE_DIR: '/var/lib/postern',
  });
  const names = changedSettings({} as Settings, whole).flatMap((text) => text.split(', '));
  expect(names.length).toBeGreaterThan(Object.keys(whole).length);
  const known = settingRows.map(({ name }) => name as string);
  const isKnown = (name: string): boolean =>
    known.some((row) => (name.endsWith('*') ? row.startsWith(name.slice(0, -1)) : row === name));
  expect(names.filter((name) => !isKnown(name))).toEqual([]);
});

test('F32: a certificate that is refused changes nothing and says why', () => {
  const log = recordingLog();
  const settings = {
    tls: { certificates: [{ certificatePath: '/c', keyPath: '/k' }] },
  } as unknown as Settings;
  const pem = (what: string) => ({ text: `-----BEGIN ${what}-----` });
  const readFile = (path: string) => pem(path === '/c' ? 'CERTIFICATE' : 'PRIVATE KEY');
  let isMatch = false;
  const set: unknown[] = [];
  const setCertificates = (pairs: unknown[]): void => {
    if (!isMatch) throw new Error('certificate and key do not match');
    set.push(...pairs);
  };
  const parts = { inForce: settings, next: settings, setCertificates, log };
  reload({ ...parts, readFile });
  expect(log.lines).toEqual([
    expect.stringContaining('were not taken everywhere: certificate and key do not match'),
  ]);
  reload({ ...parts, readFile: () => ({ trouble: '/c does not exist' }) });
  expect(log.lines.at(-1)).toContain('/c does not exist');
  expect(set).toEqual([]);
  isMatch = true;
  reload({ ...parts, readFile });
  expect(set).toHaveLength(1);
});

const record: EndRecord = {
  session: {
    id: 0x01000000100001,
    frontend: 'imaps',
    phase: 'spliced',
    clientAddress: '127.0.0.1:1',
    proxyAddress: '',
    user: 'ann',
    mailboxId: '',
    database: 4,
    server: 7,
    generation: 3,
    localPort: 40_000,
    localAddress: '',
    ageMs: 70,
    idleMs: 0,
    bytesIn: 1,
    bytesOut: 2,
  },
  reason: codeOf('copy_moved'),
  detail: '',
  tls: 'TLSv1.3',
  preambleMs: 5,
};

function sessionLog(isOn: boolean) {
  const records: EndRecord[] = [];
  const clock = fakeClock();
  const log = recordingLog();
  let wake: (() => void) | undefined;
  const engine = {
    onEnds: (given: () => void) => void (wake = given),
    takeEnds: (max: number) => records.splice(0, max),
  };
  const table = {
    servers: [{ index: 7, id: 'ex1' }],
    databases: [{ index: 4, id: 'db1' }],
  } as unknown as RoutingTable;
  startSessionLog({ engine, isOn, table: () => table, clock, log });
  return { records, clock, log, wake: () => wake?.(), isListening: () => wake !== undefined };
}

interface Stop {
  readonly open?: number;
  readonly first?: () => Promise<void>;
  readonly goodbye?: () => Promise<number>;
}

function stop({ open = 2, first, goodbye }: Stop = {}) {
  const events: string[] = [];
  const orders: [object, Goodbye][] = [];
  const clock = fakeClock();
  const log = recordingLog();
  const state = { open };
  const engine = {
    stopAccepting: () => void events.push('stopAccepting'),
    goodbye: async (selection: object, told: Goodbye) => {
      events.push('goodbye');
      orders.push([selection, told]);
      return goodbye?.() ?? 2;
    },
    stats: () => ({ open: state.open }) as Stats,
    stop: () => {},
  };
  const closers = [
    first ?? (() => void events.push('admin closed')),
    () => void events.push('engine closed'),
  ];
  const pace = { drainTimeoutMs: 1_000, perSecond: 200 };
  const done = shutDown({ engine, ...pace, closers, clock, log });
  return { done, clock, events, orders, log, engine: state };
}

function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
