import { expect, test } from 'vitest';
import { probeImapLogin } from '#gateway/monitors/imap-login-probe';
import { probeImap } from '#gateway/monitors/imap-probe';
import { codeOf } from '#model/end-reason';
import type { EndReason } from '#model/end-reason';
import type { DatabaseId } from '#model/ids';
import type { EngineEndpoint, ProbeOutcome, ProbeRequest } from '#native';

const timeouts = { connectTimeoutMs: 3_000, greetingTimeoutMs: 5_000, answerTimeoutMs: 10_000 };
const db1 = 'db1' as DatabaseId;
const greeting = '* OK ready';
const offers = (words: string): ProbeOutcome => passed(greeting, `* CAPABILITY ${words}`, 'c OK done');

test.each<[string, ProbeOutcome, string]>([
  ['a usual server', offers('IMAP4rev1 AUTH=PLAIN idle'), 'good: IMAP4REV1 AUTH=PLAIN IDLE'],
  ['one that lists only rev2', offers('IMAP4rev2 AUTH=PLAIN'), 'good: IMAP4REV2 AUTH=PLAIN'],
  [
    'no LOGIN, but AUTH=PLAIN',
    offers('IMAP4rev1 LOGINDISABLED AUTH=PLAIN'),
    'good: IMAP4REV1 LOGINDISABLED AUTH=PLAIN',
  ],
  ['no way to log in', offers('IMAP4rev1 LOGINDISABLED'), 'bad: offers no LOGIN and no AUTH=PLAIN'],
  ['no IMAP at all', offers('SIEVE'), 'bad: offers no IMAP4rev1'],
  ['no STARTTLS', stopped('server_unexpected', 's BAD unknown'), 'bad: offers no STARTTLS'],
  ['CAPABILITY refused', stopped('server_unexpected', 'c NO later'), 'bad: refuses CAPABILITY: NO later'],
  ['F05: no greeting', stopped('greeting_timeout'), 'bad: no greeting within 5s'],
  ['F08: a closed port', stopped('connect_refused'), 'bad: refuses connections'],
  ['no connection', stopped('connect_timeout'), 'bad: no connection within 3s'],
  ['a wrong certificate', stopped('server_tls_failed', 'UnknownIssuer'), 'bad: TLS failed: UnknownIssuer'],
  [
    'a goodbye for a greeting',
    stopped('server_unexpected', '', '* BYE too many'),
    'bad: said "* BYE too many"',
  ],
  ['silence after the greeting', stopped('login_timeout'), 'bad: no answer within 10s'],
  // F28: out of file descriptors every server looked down, and all sessions were ended for it.
  ['F28: no socket of our own', stopped('internal_error', 'no socket'), 'unasked: no socket'],
])('the greeting probe, %s', async (_, outcome, expected) => {
  const verdict = await probeImap({
    probe: fake(outcome),
    endpoint: endpoint('implicit'),
    baseline: [],
    timeouts,
  });
  const words = verdict.is === 'good' ? verdict.capabilities.join(' ') : 'why' in verdict ? verdict.why : '';
  expect(`${verdict.is}: ${words}`).toBe(expected);
});

test('a server without an item that frontends promise is bad, with the item named', async () => {
  const probe = fake(offers('IMAP4rev1 AUTH=PLAIN'));
  const baseline = ['AUTH=PLAIN', 'AUTH=XOAUTH2'];
  const verdict = await probeImap({ probe, endpoint: endpoint('implicit'), baseline, timeouts });
  expect(verdict).toEqual({ is: 'bad', why: 'offers no AUTH=XOAUTH2' });
});

test('with STARTTLS, the capabilities asked for inside TLS count, not those of the greeting', async () => {
  const requests: ProbeRequest[] = [];
  const outcome = passed(
    '* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED]',
    's OK',
    '* CAPABILITY IMAP4rev1 IDLE',
    'c OK',
  );
  const verdict = await probeImap({
    probe: fake(outcome, requests),
    endpoint: endpoint('starttls'),
    baseline: [],
    timeouts,
  });
  expect(verdict).toMatchObject({ is: 'good', capabilities: ['IMAP4REV1', 'IDLE'] });
  const sent = Buffer.from(requests[0]?.script ?? []).toString('latin1');
  expect(sent.indexOf('s STARTTLS\r\n')).toBeGreaterThan(0);
  expect(sent.indexOf('c CAPABILITY\r\n')).toBeGreaterThan(sent.indexOf('s STARTTLS\r\n'));
});

test.each<[string, ProbeOutcome, string]>([
  ['an INBOX that opens', passed(greeting, '+ go', '+ go', 'l OK in', 'e OK [READ-ONLY]'), 'databaseGood'],
  [
    'F14: LOGIN answered with NO',
    stopped('server_unexpected', 'l NO LOGIN failed.'),
    'databaseBad LOGIN: NO LOGIN failed.',
  ],
  [
    'F14: a dismounted store behind a good login',
    stopped('server_unexpected', 'e BAD User is authenticated but not connected.'),
    'databaseBad EXAMINE INBOX: BAD User is authenticated but not connected.',
  ],
  ['a login that hangs', stopped('login_timeout'), 'databaseBad LOGIN: no answer within 10s'],
  [
    'a wrong probe password',
    stopped('server_unexpected', 'l NO [AUTHENTICATIONFAILED] no'),
    'unasked the probe account is refused: NO [AUTHENTICATIONFAILED] no',
  ],
  [
    'a store that is away, said properly',
    stopped('server_unexpected', 'l NO [UNAVAILABLE] try later'),
    'databaseBad LOGIN: NO [UNAVAILABLE] try later',
  ],
  [
    'a server that is down: the greeting probe says so',
    stopped('connect_refused'),
    'unasked refuses connections',
  ],
])('the login probe, %s', async (_, outcome, expected) => {
  const verdict = await probeImapLogin(loginParts(fake(outcome)));
  const why = 'why' in verdict ? ` ${verdict.why}` : '';
  expect(`${verdict.is}${why}`).toBe(expected);
  if ('database' in verdict) expect(verdict.database).toBe(db1);
});

test.each<[string, string[], string[]]>([
  [
    'LOGIN with literals counted in bytes',
    ['IMAP4REV1'],
    ['l LOGIN {8}\r\n', 'probé-1 {4}\r\n', 'p"é\r\n', 'e EXAMINE INBOX\r\n'],
  ],
  [
    'AUTHENTICATE where LOGIN is disabled',
    ['LOGINDISABLED', 'AUTH=PLAIN'],
    ['l AUTHENTICATE PLAIN\r\n', 'AHByb2LDqS0xAHAiw6k=\r\n'],
  ],
])('the login probe sends %s', async (_, capabilities, expected) => {
  let sent = '';
  const requests: ProbeRequest[] = [];
  await probeImapLogin({
    ...loginParts(async (request) => {
      sent = Buffer.from(request.script).toString();
      requests.push(request);
      return stopped('connect_refused');
    }),
    user: 'probé-1',
    password: { reveal: () => 'p"é' },
    capabilities,
  });
  for (const text of expected) expect(sent).toContain(text);
  expect(requests[0]?.script.every((byte) => byte === 0)).toBe(true);
});

function loginParts(probe: (request: ProbeRequest) => Promise<ProbeOutcome>) {
  const password = { reveal: () => 'secret' };
  return {
    probe,
    endpoint: endpoint('implicit'),
    database: db1,
    user: 'probe',
    password,
    capabilities: [],
    timeouts,
  };
}

function fake(outcome: ProbeOutcome, requests: ProbeRequest[] = []) {
  return async (request: ProbeRequest): Promise<ProbeOutcome> => {
    requests.push(request);
    return outcome;
  };
}

function passed(...lines: string[]): ProbeOutcome {
  return { reason: 0, detail: '', lines, elapsedMs: 7 };
}

function stopped(reason: EndReason, detail = '', ...lines: string[]): ProbeOutcome {
  return { reason: codeOf(reason), detail, lines, elapsedMs: 7 };
}

function endpoint(tls: EngineEndpoint['tls']): EngineEndpoint {
  return { protocol: 1, address: '127.0.0.1', port: 993, tls, tlsName: 'ex1.test', caPem: '', proxy: 'none' };
}
