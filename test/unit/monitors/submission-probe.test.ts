import { expect, test } from 'vitest';
import { keywordsIn, probeSubmission } from '#gateway/monitors/submission-probe';
import { type EndReason, codeOf } from '#model/end-reason';
import type { EngineEndpoint, ProbeOutcome, ProbeRequest } from '#native';
import { readScript } from '../../trace/script-reader.ts';

const timeouts = { connectTimeoutMs: 3_000, greetingTimeoutMs: 5_000, answerTimeoutMs: 10_000 };
const usual = 'PIPELINING|SIZE 1000|8BITMIME|ENHANCEDSTATUSCODES';

test.each<[string, ProbeOutcome, string]>([
  [
    'a usual server',
    offers(`${usual}|AUTH PLAIN LOGIN`),
    'good: PIPELINING SIZE SIZE=1000 8BITMIME ENHANCEDSTATUSCODES AUTH AUTH=PLAIN AUTH=LOGIN',
  ],
  [
    'one that takes LOGIN alone, written in the old way',
    offers(`${usual}|AUTH=LOGIN`),
    'good: PIPELINING SIZE SIZE=1000 8BITMIME ENHANCEDSTATUSCODES AUTH AUTH=LOGIN',
  ],
  ['no mechanism', offers(usual), 'bad: offers no AUTH PLAIN and no AUTH LOGIN'],
  ['NTLM alone', offers(`${usual}|AUTH NTLM`), 'bad: offers no AUTH PLAIN and no AUTH LOGIN'],
  ['no PIPELINING', offers('8BITMIME|AUTH PLAIN'), 'bad: offers no PIPELINING'],
  [
    'no STARTTLS',
    stopped('server_unexpected', '250-ex1', '250 SIZE', '502 5.5.1 no'),
    'bad: offers no STARTTLS',
  ],
  [
    'STARTTLS that is offered and refused',
    stopped('server_unexpected', '250-ex1', '250 STARTTLS', '454 4.7.0 TLS not available'),
    'bad: refuses STARTTLS: 454 4.7.0 TLS not available',
  ],
  [
    'a refusal for a greeting',
    stopped('server_unexpected', '421 4.3.2 Service not active'),
    'bad: said "421 4.3.2 Service not active"',
  ],
  ['F05: no greeting', stopped('greeting_timeout'), 'bad: no greeting within 5s'],
  ['F08: a closed port', stopped('connect_refused'), 'bad: refuses connections'],
  ['silence after the greeting', stopped('login_timeout', '250-ex1'), 'bad: no answer within 10s'],
  ['F28: no socket of our own', { ...stopped('internal_error'), detail: 'no socket' }, 'unasked: no socket'],
])('the greeting probe of submission, %s', async (_, outcome, expected) => {
  const verdict = await probeSubmission({
    probe: fake(outcome),
    endpoint: endpoint('off'),
    baseline: [],
    timeouts,
  });
  const words = verdict.is === 'good' ? verdict.capabilities.join(' ') : 'why' in verdict ? verdict.why : '';
  expect(`${verdict.is}: ${words}`).toBe(expected);
});

test.each<[string, string, string | undefined]>([
  ['DSN', 'SIZE 1000', 'offers no DSN'],
  ['AUTH=XOAUTH2', 'SIZE 1000', 'offers no AUTH=XOAUTH2'],
  ['SIZE=1001', 'SIZE 1000', 'offers SIZE=1000, which is less than SIZE=1001'],
  ['SIZE=1000', 'SIZE 1000', undefined],
  ['SIZE=1001', 'SIZE 0', undefined],
  ['SIZE=1001', 'SIZE', undefined],
  ['SIZE=1001', 'DSN', 'offers no SIZE'],
])('with %s promised, a server that has %s: %s', async (promised, size, why) => {
  const outcome = offers(`PIPELINING|8BITMIME|ENHANCEDSTATUSCODES|AUTH PLAIN|${size}`);
  const parts = { probe: fake(outcome), endpoint: endpoint('off'), baseline: [promised], timeouts };
  const verdict = await probeSubmission(parts);
  if (why === undefined) expect(verdict.is).toBe('good');
  else expect(verdict).toEqual({ is: 'bad', why });
});

test('the name in the first line is no keyword, and XCLIENT stands with its attributes', () => {
  expect(keywordsIn(['250-pipelining auth', '250-XCLIENT NAME ADDR', '250  dsn '])).toEqual([
    'XCLIENT',
    'XCLIENT=NAME',
    'XCLIENT=ADDR',
    'DSN',
  ]);
});

test('with STARTTLS, EHLO is said again inside TLS, and the probe leaves with QUIT', async () => {
  const requests: ProbeRequest[] = [];
  await probeSubmission({
    probe: fake(offers(usual), requests),
    endpoint: endpoint('starttls'),
    baseline: [],
    timeouts,
  });
  const steps = readScript(requests[0]?.script ?? new Uint8Array());
  const said = steps.flatMap((step) =>
    step.step === 'send' ? step.bytes.split(' ')[0]?.trim() : step.step === 'startTls' ? '<TLS>' : [],
  );
  expect(said).toEqual(['EHLO', 'STARTTLS', '<TLS>', 'EHLO', 'QUIT']);
});

function offers(keywords: string): ProbeOutcome {
  const lines = ['ex1 hello', ...keywords.split('|')];
  const last = lines.length - 1;
  return {
    reason: 0,
    detail: '',
    lines: lines.map((line, at) => `250${at === last ? ' ' : '-'}${line}`),
    elapsedMs: 3,
  };
}

function stopped(reason: EndReason, ...lines: string[]): ProbeOutcome {
  return { reason: codeOf(reason), detail: '', lines, elapsedMs: 3 };
}

function fake(outcome: ProbeOutcome, requests: ProbeRequest[] = []) {
  return (request: ProbeRequest) => {
    requests.push(request);
    return Promise.resolve(outcome);
  };
}

function endpoint(tls: EngineEndpoint['tls']): EngineEndpoint {
  return { address: '127.0.0.1', port: 587, tls, tlsName: 'ex1.test' } as EngineEndpoint;
}
