import { expect, test } from 'vitest';
import { askLogin, askProduct } from '#gateway/doctor/imap-questions';
import { askSubmission } from '#gateway/doctor/submission-questions';
import { codeOf } from '#model/end-reason';
import type { EngineEndpoint, ProbeOutcome, ProbeRequest } from '#native';
import { readScript } from '../../trace/script-reader.ts';

const timeouts = { connectTimeoutMs: 1_000, greetingTimeoutMs: 2_000, answerTimeoutMs: 3_000 };

function endpoint(tls: EngineEndpoint['tls']): EngineEndpoint {
  return {
    protocol: 1,
    address: '10.1.0.11',
    port: 1,
    tls,
    tlsName: 'ex1.corp.example',
    caPem: '',
    proxy: 'none',
  };
}

/** A probe that is answered with these lines; what it was asked to send is kept. */
function answering(lines: string[], changes: Partial<ProbeOutcome> = {}) {
  const sent: string[] = [];
  const probe = (request: ProbeRequest): Promise<ProbeOutcome> => {
    const steps = readScript(request.script);
    sent.push(...steps.map((step) => (step.step === 'send' ? step.bytes : step.step)));
    return Promise.resolve({ reason: 0, detail: '', lines, elapsedMs: 7, ...changes });
  };
  return { probe, sent };
}

const ehlo = ['250-mx.corp.example', '250-XCLIENT NAME ADDR', '250 AUTH PLAIN'];
const greeting = '220 mx.corp.example ESMTP';

test.each<[string, string[], boolean | 'untold']>([
  ['takes mail to strangers', ['250 2.1.0 Ok', '250 2.1.5 Ok'], true],
  ['refuses it for good', ['250 Ok', '554 5.7.1 <nobody@an-outside.example>: Relay access denied'], false],
  ['refuses it for now', ['250 Ok', '454 4.7.1 <nobody@an-outside.example>: Relay access denied'], false],
  ['wants a login for the recipient', ['250 Ok', '530 Authentication required'], false],
  ['wants a login for the sender', ['530 5.7.57 Client was not authenticated', '503 5.5.2 Need mail'], false],
  ['refuses in several lines', ['250 Ok', '550-5.7.1 No', '550 5.7.1 Relaying'], false],
  ['knows no such domain', ['250 Ok', '450 4.1.2 <nobody@an-outside.example>: Domain not found'], 'untold'],
  ['knows no such address', ['250 Ok', '550 5.1.1 no such user'], 'untold'],
  ['puts it off', ['250 Ok', '451 try later'], 'untold'],
  ['closes', ['421 4.3.2 bye'], 'untold'],
  ['says nothing more', [], 'untold'],
])('a server that %s: relays %#', async (_, replies, relays) => {
  const { probe } = answering([...ehlo, ...replies]);
  const answers = await askSubmission({ probe, endpoint: endpoint('starttls'), timeouts });
  expect([answers.relays, answers.takesXclient]).toEqual([relays, true]);
});

test('the question of relaying sends no message, and takes itself back', async () => {
  const { probe, sent } = answering([greeting, ...ehlo, '250 Ok', '554 5.7.1 no', '250 Ok']);
  await askSubmission({ probe, endpoint: endpoint('implicit'), timeouts });
  expect(sent.filter((step) => step !== 'expect')).toEqual([
    'EHLO postern.invalid\r\n',
    'MAIL FROM:<>\r\n',
    'RCPT TO:<nobody@an-outside.example>\r\n',
    'RSET\r\n',
    'QUIT\r\n',
  ]);
});

test.each<[string, string | null]>([
  ['250-EX1.corp.example Hello [10.1.0.21]', '10.1.0.21'],
  ['250-mx.example Hello gw1.corp.example [IPv6:2001:db8::21], pleased to meet you', '2001:db8::21'],
  ['250-mx.corp.example', null],
])('in %j the server sees %s', async (line, address) => {
  const { probe } = answering([greeting, line, '250 AUTH LOGIN', '250 Ok', '550 5.7.1 no']);
  const answers = await askSubmission({ probe, endpoint: endpoint('off'), timeouts });
  expect(answers).toEqual({ product: null, seenAddress: address, takesXclient: false, relays: false });
});

test.each<[EngineEndpoint['tls'], string, string | null]>([
  ['implicit', '220 mx.corp.example Dovecot ready.', 'Dovecot'],
  ['off', '220 mx.corp.example ESMTP Postfix (Debian/GNU)', 'Postfix'],
  ['off', '220 dovecot.corp.example ESMTP', null],
])('inside %s the greeting %j names %s', async (tls, line, product) => {
  const { probe } = answering([line, ...ehlo, '250 Ok', '550 5.7.1 no']);
  expect(await askSubmission({ probe, endpoint: endpoint(tls), timeouts })).toMatchObject({ product });
});

test('behind STARTTLS the greeting is forgotten, and no answer is taken for one', async () => {
  const { probe } = answering(['250-mx.corp.example Dovecot', '250 AUTH PLAIN', '250 Ok', '550 no']);
  const answers = await askSubmission({ probe, endpoint: endpoint('starttls'), timeouts });
  expect(answers.product).toBeNull();
});

test('of a server that refuses EHLO nothing is told', async () => {
  const { probe } = answering([greeting, '554 no']);
  const answers = await askSubmission({ probe, endpoint: endpoint('off'), timeouts });
  expect(answers).toEqual({ product: null, seenAddress: null, takesXclient: 'untold', relays: 'untold' });
});

test.each<[string[], string | null]>([
  [['* OK hi', '* ID ("name" "Dovecot")', 'i OK ID completed.'], 'Dovecot'],
  [['* ID ("vendor" "x" "name" "A \\"B\\"")', 'i OK'], 'A \\"B\\"'],
  [['* ID NIL', 'i OK'], null],
  [['i BAD no'], null],
])('of %j the name is %s', async (lines, name) => {
  const { probe } = answering(lines);
  const question = { probe, endpoint: endpoint('implicit'), capabilities: ['ID'], timeouts };
  expect(await askProduct(question)).toBe(name);
});

test('a server without ID is not asked for its name', async () => {
  const { probe, sent } = answering([]);
  const question = { probe, endpoint: endpoint('implicit'), capabilities: [], timeouts };
  expect([await askProduct(question), sent]).toEqual([null, []]);
});

const login = {
  endpoint: endpoint('starttls'),
  capabilities: ['ID'],
  timeouts,
  account: { user: 'ann', password: { reveal: () => 'canary' } },
};
const failed = (reason: 'server_unexpected' | 'login_timeout' | 'connect_refused') => ({
  reason: codeOf(reason),
});

test.each<[string, string[], Partial<ProbeOutcome>, object]>([
  ['accepted', ['l OK in'], {}, { is: 'in' }],
  [
    'refused',
    ['l NO [LIMIT] too many'],
    failed('server_unexpected'),
    { is: 'refused', words: 'NO [LIMIT] too many', tookMs: 7 },
  ],
  [
    'let in and thrown out',
    ['l OK in', '* BYE too many'],
    failed('server_unexpected'),
    { is: 'refused', words: 'BYE too many', tookMs: 7 },
  ],
  ['not answered', [], failed('login_timeout'), { is: 'untold', why: 'no answer within 3s' }],
  ['not reached', [], failed('connect_refused'), { is: 'untold', why: 'refuses connections' }],
])('a login that is %s', async (_, lines, changes, outcome) => {
  const { probe } = answering(lines, changes);
  expect(await askLogin({ ...login, probe, client: undefined })).toEqual(outcome);
});

test('a login plays its client, stands, and logs out', async () => {
  const { probe, sent } = answering(['l OK in']);
  await askLogin({ ...login, probe, client: 11, standMs: 500 });
  expect(sent[4]).toBe(
    'i ID ("x-originating-ip" "192.0.2.11" "x-originating-port" "40000" "x-proxy-ttl" "5")\r\n',
  );
  expect(sent.slice(-3)).toEqual(['pause', 'q LOGOUT\r\n', 'expect']);
});

test("V53: the script's password is overwritten once it is played", async () => {
  let script: Uint8Array = new Uint8Array();
  const probe = (request: ProbeRequest): Promise<ProbeOutcome> => {
    ({ script } = request);
    expect(Buffer.from(script).toString('latin1')).toContain('canary');
    return Promise.resolve({ reason: 0, detail: '', lines: ['l OK'], elapsedMs: 1 });
  };
  await askLogin({ ...login, probe, client: undefined });
  expect(Buffer.from(script).toString('latin1')).not.toContain('canary');
});
