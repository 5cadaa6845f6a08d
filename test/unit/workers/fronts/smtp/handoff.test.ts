import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scriptStepsMax } from '#model/handoff-script';
import type { ServerProtocolRoute } from '#model/routing-table';
import { planSubmissionHandoff, submissionRefusalOf } from '#workers/fronts/smtp/handoff';
import { type Login, type Proof, loginOf } from '#workers/fronts/sasl';
import type { ClientFacts, HandoffPlan } from '#workers/fronts/front';
import { ScriptPlay, readScript } from '../../../../trace/script-reader.ts';

const client: ClientFacts = {
  clientIp: '2001:db8::7',
  clientPort: '50000',
  localIp: '198.51.100.1',
  localPort: '465',
  tls: undefined,
  sessionId: '00000000000abc',
  isGreeted: false,
};
const timeouts = { greetingTimeoutMs: 7000, loginTimeoutMs: 9000 };
const postfix =
  'XCLIENT XCLIENT=NAME XCLIENT=ADDR XCLIENT=PORT XCLIENT=PROTO XCLIENT=HELO ' +
  'XCLIENT=REVERSE_NAME XCLIENT=LOGIN';

test.each<[string, Proof, string, string]>([
  ['a password goes by PLAIN', password('ann', 'x'), 'AUTH=LOGIN AUTH=PLAIN', 'AUTH PLAIN AGFubgB4'],
  ['a password goes by LOGIN where that is all', password('ann', 'x'), 'AUTH=LOGIN', 'AUTH LOGIN|YW5u|eA=='],
  ['an authorization name goes by PLAIN', acting(), 'AUTH=PLAIN AUTH=LOGIN', 'AUTH PLAIN Ym9iAGFubgB4'],
  ['a token goes as it came', token(), 'AUTH=XOAUTH2', `AUTH XOAUTH2 ${base64(token())}`],
  ['a long token waits to be asked', token(400), 'AUTH=XOAUTH2', `AUTH XOAUTH2|${base64(token(400))}`],
])('%s', (_, proof, offered, expected) => {
  const said = sentIn(plan(login(proof), route(offered)));
  expect(said.slice(1).join('|')).toBe(expected);
});

test.each<[string, Proof, string, HandoffPlan]>([
  [
    'an authorization name where LOGIN is all there is',
    acting(),
    'AUTH=LOGIN',
    { is: 'unsupported', reply: '504 5.5.4 Unrecognized authentication type\r\n' },
  ],
  [
    'a token that the server does not take',
    token(),
    'AUTH=PLAIN',
    { is: 'unsupported', reply: '504 5.5.4 Unrecognized authentication type\r\n' },
  ],
  [
    'a password where there is no mechanism for it',
    password('ann', 'x'),
    'AUTH=XOAUTH2',
    { is: 'impossible', why: 'it offers neither AUTH PLAIN nor AUTH LOGIN' },
  ],
  ['a password where nothing is known', password('ann', 'x'), '', { is: 'unknown' }],
  ['a token where nothing is known', token(), '', { is: 'unknown' }],
  [
    'a response beyond what a server must take',
    token(9200),
    'AUTH=XOAUTH2',
    { is: 'unsupported', reply: '500 5.5.6 Authentication exchange line is too long\r\n' },
  ],
  [
    'a password beyond what a server must take',
    password('ann', 'p'.repeat(9214)),
    'AUTH=LOGIN',
    { is: 'unsupported', reply: '500 5.5.6 Authentication exchange line is too long\r\n' },
  ],
])('%s', (_, proof, offered, expected) => {
  expect(plan(login(proof), route(offered))).toEqual(expected);
});

test('RFC 4954: AUTH with its response has 512 bytes with the end, and a response line 12,288', () => {
  const lines = (bytes: number, offered: string): number[] =>
    sentIn(plan(login(password('ann', 'p'.repeat(bytes))), route(offered)))
      .slice(1)
      .map((line) => line.length + 2);
  // "AUTH PLAIN " and CRLF are 13 of 512: 496 of base64 hold 372 bytes, five of which stand before the
  // password.
  expect(lines(367, 'AUTH=PLAIN')).toEqual([509]);
  expect(lines(368, 'AUTH=PLAIN')).toEqual([12, 502]);
  expect(lines(9208, 'AUTH=PLAIN')).toEqual([12, 12_286]);
  expect(lines(9213, 'AUTH=LOGIN')).toEqual([12, 6, 12_286]);
});

test('the longest way has no more steps than a script may have', () => {
  const server = {
    ...trusting(`AUTH=LOGIN ${postfix}`),
    endpoint: { ...route('').endpoint, tls: 'starttls' as const },
  };
  const steps = stepsOf(plan(login(password('ann', 'x')), server));
  expect(steps.length).toBe(18);
  expect(steps.length).toBeLessThanOrEqual(scriptStepsMax);
});

test('greeting and login wait by their own timeouts', () => {
  const waits = stepsOf(plan(login(password('ann', 'x')), route('AUTH=PLAIN'))).flatMap((step) =>
    step.step === 'expect' ? [step.timeoutMs] : [],
  );
  expect(waits).toEqual([7000, 7000, 9000]);
});

test('V23: XCLIENT has what the server offers, never LOGIN, and says what it does not know', () => {
  const said = (server: ServerProtocolRoute): string | undefined =>
    sentIn(plan(login(password('ann', 'x')), server)).find((line) => line.startsWith('XCLIENT'));
  expect(said(route(`AUTH=PLAIN ${postfix}`))).toBeUndefined();
  expect(said(trusting('AUTH=PLAIN'))).toBeUndefined();
  expect(said(trusting('AUTH=PLAIN XCLIENT'))).toBeUndefined();
  expect(said(trusting('AUTH=PLAIN XCLIENT XCLIENT=LOGIN XCLIENT=OTHER'))).toBeUndefined();
  expect(said(trusting(`AUTH=PLAIN ${postfix} XCLIENT=DESTADDR XCLIENT=SESSION`))).toBe(
    'XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::7 PORT=50000 PROTO=ESMTP HELO=laptop ' +
      'REVERSE_NAME=[UNAVAILABLE] DESTADDR=198.51.100.1 SESSION=00000000000abc',
  );
});

test('V23: what is not known of the client is said to be so', () => {
  const nobody = { ...client, clientIp: '-', clientPort: '-' };
  const server = trusting('AUTH=PLAIN XCLIENT=ADDR XCLIENT=PORT');
  const made = planSubmissionHandoff(login(password('ann', 'x')), server, nobody, timeouts);
  expect(sentIn(made)).toContain('XCLIENT ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE]');
});

test('V23: whatever the facts and the offer are, XCLIENT is one line of well-formed attributes', () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
  const offered = fc.subarray(
    'NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT SESSION TTL FORWARD'.split(' '),
  );
  fc.assert(
    fc.property(text, text, offered, (fact, name, attributes) => {
      const server = trusting(`AUTH=PLAIN ${attributes.map((each) => `XCLIENT=${each}`).join(' ')}`);
      const facts = { ...client, clientIp: fact, localPort: fact };
      const user = { ...login(password('ann', 'x')), tag: name };
      const script = sentIn(planSubmissionHandoff(user, server, facts, timeouts));
      const known = attributes.filter((each) => each !== 'LOGIN' && each !== 'FORWARD');
      const said = script.filter((line) => line.startsWith('XCLIENT'));
      expect(said).toHaveLength(known.length === 0 ? 0 : 1);
      for (const line of said) expect(line).toMatch(/^XCLIENT(?: (?:[A-KM-Z]|L(?!OGIN))[A-Z]*=[!-<>-~]+)+$/);
    }),
  );
});

test('V35: whatever the password holds, the server decodes it to the same bytes', () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(bytes, fc.constantFrom('PLAIN', 'LOGIN'), (secret, mechanism) => {
      const said = sentIn(plan(login(password('ann', secret)), route(`AUTH=${mechanism}`)));
      const decoded = Buffer.from(said.at(-1)?.split(' ').at(-1) ?? '', 'base64').toString('latin1');
      expect(decoded).toBe(mechanism === 'PLAIN' ? `\0ann\0${secret}` : secret);
    }),
  );
});

test.each<[string, string[], string]>([
  ['one line', ['235 2.7.0 in'], '235 2.7.0 in\r\n'],
  ['several lines', ['235-2.7.0 well', '235 2.7.0 in'], '235-2.7.0 well\r\n235 2.7.0 in\r\n'],
])("the server's own 235 is the client's answer: %s", (_, lines, expected) => {
  const play = playTo(lines);
  expect(play.outcome).toBe('done');
  expect(play.lastWords()).toBe(expected);
});

test.each<[string, ScriptPlay['outcome']]>([
  ['535 5.7.8 no', { refusedWith: '535 5.7.8 no' }],
  ['535-5.7.8 no', { refusedWith: '535-5.7.8 no' }],
  ['334 eyJzdGF0dXMiOiI0MDEifQ==', { refusedWith: '334 eyJzdGF0dXMiOiI0MDEifQ==' }],
  ['454 4.7.0 later', 'failed'],
  ['421 4.3.2 shutting down', 'failed'],
  ['250 Ok', 'failed'],
  ['', 'failed'],
])('the answer %j to AUTH is %j', (line, outcome) => {
  expect(playTo([line]).outcome).toEqual(outcome);
});

test.each<[string, ReturnType<typeof submissionRefusalOf>]>([
  ...['535 5.7.8 no such user', '535', '550 5.7.1 blocked', '334 e30=', '525 5.7.13 disabled', '501 bad'].map(
    (line): [string, ReturnType<typeof submissionRefusalOf>] => [
      line,
      { is: 'reply', text: '535 5.7.8 Authentication credentials invalid\r\n' },
    ],
  ),
  ['504 5.5.4 unknown', { is: 'temporary', why: 'it answers AUTH with 504' }],
  ['534 5.7.9 too weak', { is: 'temporary', why: 'it answers AUTH with 534' }],
  ['503 5.5.1 not now', { is: 'temporary', why: 'it answers AUTH with 503' }],
])('the refusal %j means %j', (line, expected) => {
  expect(submissionRefusalOf(login(password('ann', 'x')), line)).toEqual(expected);
});

test.each(['538 5.7.11 TLS first', '530 5.7.0 Must issue STARTTLS'])(
  '%j is told to the operator as a matter of TLS',
  (line) => {
    const refusal = submissionRefusalOf(login(password('ann', 'x')), line);
    expect(refusal.is).toBe('temporary');
    expect('why' in refusal && refusal.why).toContain('without TLS');
  },
);

function playTo(verdict: readonly string[]): ScriptPlay {
  const play = new ScriptPlay(stepsOf(plan(login(password('ann', 'x')), route('AUTH=PLAIN'))));
  for (const line of ['220 ex1 ready', '250-ex1', '250 AUTH PLAIN', ...verdict]) play.serverSays(line);
  return play;
}

function plan(user: Login, server: ServerProtocolRoute): HandoffPlan {
  return planSubmissionHandoff(user, server, client, timeouts);
}

function stepsOf(made: HandoffPlan): ReturnType<typeof readScript> {
  if (made.is !== 'script') throw new Error(`the plan is ${made.is}`);
  return readScript(made.script);
}

function sentIn(made: HandoffPlan): string[] {
  return stepsOf(made).flatMap((step) => (step.step === 'send' ? [step.bytes.replace(/\r\n$/, '')] : []));
}

function login(proof: Proof): Login {
  const made = loginOf('laptop', proof);
  if (made === undefined) throw new Error('no login');
  return made;
}

function password(user: string, secret: string): Proof {
  return { by: 'password', user, password: secret };
}

function acting(): Proof {
  return { by: 'plain', authzid: 'bob', authcid: 'ann', password: 'x' };
}

function token(bytes = 1): Extract<Proof, { by: 'token' }> {
  const response = `user=ann\x01auth=Bearer ${'t'.repeat(bytes)}\x01\x01`;
  return { by: 'token', user: 'ann', mechanism: 'XOAUTH2', response };
}

function base64(proof: ReturnType<typeof token>): string {
  return Buffer.from(proof.response, 'latin1').toString('base64');
}

function route(offered: string): ServerProtocolRoute {
  return {
    endpoint: { address: '127.0.0.1', port: 465, tls: 'implicit', tlsName: 'ex1.test' },
    health: { is: 'up' },
    offer: { capabilities: offered.split(' ').filter((word) => word !== '') },
    identity: 'none',
  };
}

function trusting(offered: string): ServerProtocolRoute {
  return { ...route(offered), identity: 'xclient' };
}
