/**
 * What `postern lab` says and sees: orders parsed, logins judged, a fault watched, the demo's certificate.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeCertificate } from '#gateway/lab/certificate';
import { askLab, labSocketPath, openControl, parseOrder } from '#gateway/lab/control';
import { formatTimeline, loginEveryMs, watchFault } from '#gateway/lab/fault-watch';
import { type LoginOutcome, outcomeOf } from '#gateway/lab/login-try';
import { topologyDocument } from '#gateway/lab/topology-document';
import { makeTempFolder } from '../../support/temp-folder.ts';

test.each<[string, object | undefined]>([
  ['{"order":"status"}', { order: 'status' }],
  ['{"order":"move","database":"db1","server":"ex2"}', { order: 'move', database: 'db1', server: 'ex2' }],
  ['{"order":"crash","server":"ex1","more":1}', { order: 'crash', server: 'ex1' }],
  ['{"order":"move","server":"ex2"}', undefined],
  ['{"order":"crash","server":1}', undefined],
  ['{"order":"kill","server":"ex1"}', undefined],
  ['null', undefined],
  ['no JSON', undefined],
])('the order %s', (line, order) => {
  expect(parseOrder(line)).toEqual(order);
});

test('the socket is where the environment says, else in a folder of the user', () => {
  expect(labSocketPath('/x/lab.sock', '/tmp', 7)).toBe('/x/lab.sock');
  expect(labSocketPath('', '/tmp', 7)).toBe('/tmp/postern-7/lab.sock');
});

test.each<[string, LoginOutcome | undefined]>([
  ['* OK ready\r\n', undefined],
  ['* OK ready\r\na1 OK [CAPABILITY X] ann@demo.test logged in on ex2\r\n', { is: 'good', server: 'ex2' }],
  ['a1 NO [UNAVAILABLE] not now\r\n', { is: 'failed', why: 'a1 NO [UNAVAILABLE] not now' }],
  ['* OK ready\r\n* BYE [UNAVAILABLE] later\r\n', { is: 'failed', why: '* BYE [UNAVAILABLE] later' }],
  ['a1 OK of something else\r\n', { is: 'failed', why: 'a1 OK of something else' }],
  ['x'.repeat(16 * 1024 + 1), { is: 'failed', why: 'a flood of words' }],
])('a login that gets %j', (text, outcome) => {
  expect(outcomeOf(text)).toEqual(outcome);
});

test('a fault is watched until a login lands elsewhere; logins on the old server do not count', async () => {
  const outcomes: LoginOutcome[] = [
    { is: 'good', server: 'ex1' },
    { is: 'failed', why: '* BYE later' },
    { is: 'good', server: 'ex2' },
  ];
  let claimed: (claim: { database: string; server: string; at: number }) => void = () => undefined;
  const parts = {
    now: () => performance.now(),
    login: async () => outcomes.shift() ?? { is: 'failed' as const, why: 'too many' },
    publishedServer: async () => (outcomes.length < 2 ? 'ex2' : 'ex1'),
    onClaimed: (listener: typeof claimed) => {
      claimed = listener;
      return () => undefined;
    },
  };
  const struck = { database: 'db1', mailbox: 'ann@demo.test', server: 'ex1' };
  const timeline = await watchFault(parts, struck, async () => {
    claimed({ database: 'db2', server: 'ex2', at: performance.now() - 1_000 });
    claimed({ database: 'db1', server: 'ex2', at: performance.now() });
  });
  expect(timeline).toMatchObject({ ...struck, firstFailedWhy: '* BYE later', firstGoodServer: 'ex2' });
  expect(timeline.claimMs).toBeLessThan(loginEveryMs);
  expect(timeline.firstFailedMs).toBeLessThan(timeline.firstGoodMs ?? 0);
  expect(timeline.publishMs).toBeLessThanOrEqual(timeline.firstGoodMs ?? 0);
});

test('a fault that is refused is no fault', async () => {
  const parts = {
    now: () => 0,
    login: () => new Promise<LoginOutcome>(() => undefined),
    publishedServer: async () => undefined,
    onClaimed: () => () => undefined,
  };
  const refused = watchFault(parts, { database: 'db1', mailbox: 'a', server: 'ex1' }, async () => {
    throw new Error('ex2 is dead');
  });
  await expect(refused).rejects.toThrow('ex2 is dead');
});

test('a timeline has its five lines in order, and a dash for what did not happen', () => {
  const lines = formatTimeline({
    database: 'db1',
    mailbox: 'ann@demo.test',
    server: 'ex1',
    claimMs: 12,
    publishMs: 15,
    firstFailedMs: undefined,
    firstFailedWhy: undefined,
    firstGoodMs: 120,
    firstGoodServer: 'ex2',
  });
  expect(lines.slice(1).map((line) => line.replace(/ +/g, ' ').trim())).toEqual([
    'fault 0 ms',
    'claim 12 ms',
    'publish 15 ms',
    'first failed login - none before the first good one: logins were held',
    'first good login 120 ms on ex2',
  ]);
});

test("a server's document tells the databases that it has a copy of", () => {
  const databases = [
    {
      id: 'db1',
      activeServer: 'ex1',
      isMounted: true,
      epoch: 4,
      copies: [{ server: 'ex1', status: 'Mounted' as const }],
    },
    {
      id: 'db2',
      activeServer: 'ex2',
      isMounted: false,
      epoch: 1,
      copies: [{ server: 'ex2', status: 'Dismounted' as const }],
    },
  ];
  expect(topologyDocument('ex1', databases, { seq: 5, now: 0 })).toMatchObject({
    schema: 'edge-topology/1',
    agent: 'ex1',
    seq: 5,
    observedAt: '1970-01-01T00:00:00.000Z',
    databases: [
      {
        name: 'db1',
        activeServer: 'ex1',
        mounted: true,
        epoch: 4,
        copies: [{ server: 'ex1', status: 'Mounted', activationPreference: 1, copyQueueLength: 0 }],
      },
    ],
  });
});

test('the certificate is for localhost and 127.0.0.1, signed by its own key, and no authority', () => {
  const now = Date.parse('2026-11-23T00:00:00Z');
  const { certificatePem, keyPem } = makeCertificate(now);
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.ca).toBe(false);
  expect([certificate.checkHost('localhost'), certificate.checkIP('127.0.0.1')]).toEqual([
    'localhost',
    '127.0.0.1',
  ]);
  expect(certificate.checkHost('demo.test')).toBeUndefined();
  expect([Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]).toEqual([
    Date.parse('2026-11-22T00:00:00Z'),
    Date.parse('2027-02-21T00:00:00Z'),
  ]);
  expect(makeCertificate(Date.parse('2060-01-01T00:00:00Z')).certificatePem).not.toBe(certificatePem);
  expect(
    new X509Certificate(makeCertificate(Date.parse('2060-01-01T00:00:00Z')).certificatePem).validTo,
  ).toContain('2060');
});

test('an order goes over a socket of its owner; a second demo and a missing one are told', async () => {
  const path = join(await makeTempFolder('ctl'), 'lab', 'lab.sock');
  await expect(askLab(path, { order: 'status' })).rejects.toThrow(`no demo answers on ${path}`);
  const answer = { isDone: true, lines: ['ä'.repeat(100_000)], status: { servers: [], databases: [] } };
  const heard: object[] = [];
  const control = await openControl(path, async (order) => {
    heard.push(order);
    return answer;
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await askLab(path, { order: 'heal', server: 'ex1' })).toEqual(answer);
  expect(heard).toEqual([{ order: 'heal', server: 'ex1' }]);
  await expect(openControl(path, async () => answer)).rejects.toThrow('another demo runs already');
  control.close();
});
