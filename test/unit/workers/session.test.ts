import { expect, test } from 'vitest';
import type { SessionId } from '#model/ids';
import { type Session, clientFactsOf, tlsFactsOf } from '#workers/session';
import { type Rig, openRig } from './session-outbox.ts';

const request = {
  server: 1,
  database: 0,
  generation: 3,
  mailboxLow: 7,
  mailboxHigh: 0,
  isExclusive: true,
  script: new Uint8Array(),
};
const tls = { version: 'TLSv1.3', cipher: 'X', alpn: '-', sni: '-' };
const left = { is: 'ended', reason: 'client_quit' };

test('lines that came early are read in order, and consumed only then', async () => {
  const { session, said } = openRig();
  session.onLine('one', 5);
  session.onLine('two', 10);
  session.reply('a');
  expect(await session.readLine()).toBe('one');
  session.reply('b');
  expect(await session.readLine()).toBe('two');
  session.reply('c');
  expect(said).toEqual(['write 0 a', 'write 5 b', 'write 10 c']);
});

test('a line that comes late answers who waits', async () => {
  const { session } = openRig();
  const line = session.readLine();
  session.onLine('late', 6);
  expect(await line).toBe('late');
});

test.each<[string, (session: Session) => Promise<unknown>, unknown]>([
  ['a line', (session) => session.readLine(), left],
  ['a literal', (session) => session.readLiteral(3, '+ go'), left],
  ['TLS', (session) => session.startTls('go'), left],
  ['a handoff', (session) => session.handoff(request), left],
  ['a hold', (session) => session.hold(100), 'ended'],
])('V36: closed while %s is awaited, and asked for it again', async (_, ask, expected) => {
  const { session, clock, said, gone } = openRig();
  const pending = ask(session);
  session.onClosed('client_quit');
  expect(await pending).toEqual(expected);
  const before = said.length;
  expect(await ask(session)).toEqual(expected);
  session.reply('x');
  session.name('ann');
  session.end('syntax', 'x');
  expect(said.length).toBe(before);
  expect(gone).toEqual([session.id]);
  expect(clock.timers()).toBe(0);
});

test('a session that ends itself is over for who waits, once', async () => {
  const { session, said, gone } = openRig();
  const line = session.readLine();
  session.end('syntax', '* BYE\r\n');
  session.end('kicked', '');
  session.onClosed('client_quit');
  expect(await line).toEqual({ is: 'ended', reason: 'syntax' });
  expect(said).toEqual(['end 15 * BYE']);
  expect(gone.length).toBe(1);
});

test('what came before the end is not read behind it', async () => {
  const { session } = openRig();
  session.onLine('one', 5);
  session.onClosed('client_quit');
  expect(await session.readLine()).toEqual(left);
});

test('a waiting literal is invited, or refused by reading on', async () => {
  const { session, said } = openRig();
  session.onLine('a {3}', 7);
  await session.readLine();
  const literal = session.readLiteral(3, '+ go\r\n');
  session.onLiteral('abc', 10);
  expect(await literal).toBe('abc');
  session.onLine(' {4}', 16);
  await session.readLine();
  void session.readLine();
  expect(said).toEqual(['expectLiteral 3 + go', 'expectLine 0']);
});

test('a literal that comes unasked is dropped by who reads on, and needs no word', async () => {
  const { session, said } = openRig();
  session.onLine('a {3+}', 8);
  session.onLiteral('abc', 11);
  session.onLine('b', 14);
  expect([await session.readLine(), await session.readLine()]).toEqual(['a {3+}', 'b']);
  session.reply('x');
  expect(said).toEqual(['write 14 x']);
});

test('a fault is read behind the lines before it, and stays', async () => {
  const { session, said } = openRig();
  session.onLine('one', 5);
  session.onFault('line_too_long');
  session.onLine('never', 9);
  expect(await session.readLine()).toBe('one');
  const fault = { is: 'fault', reason: 'line_too_long' };
  expect([await session.readLine(), await session.readLiteral(1, '')]).toEqual([fault, fault]);
  session.reply('still');
  expect(said).toEqual(['write 5 still']);
});

test('a client that sends commands without end ahead is cut off at a bound', async () => {
  const { session } = openRig();
  for (let line = 1; line <= 1023; line++) session.onLine('x', line);
  session.onLine('too many', 1024);
  session.onLine('forgotten', 1025);
  for (let line = 1; line <= 1023; line++) expect(await session.readLine()).toBe('x');
  expect(await session.readLine()).toEqual({ is: 'fault', reason: 'preamble_too_long' });
});

test('V01: nothing that came before the handshake is read behind it, and offsets begin anew', async () => {
  const { session, said } = openRig();
  session.onLine('a STARTTLS', 12);
  await session.readLine();
  session.onLine('injected before', 20);
  const started = session.startTls('a OK\r\n');
  session.onLine('injected meanwhile', 30);
  session.onTlsReady(tls);
  expect(await started).toBeUndefined();
  session.reply('x');
  const line = session.readLine();
  session.onLine('b NOOP', 8);
  expect(await line).toBe('b NOOP');
  expect(session.client.tls).toEqual(tls);
  expect(said).toEqual(['startTls 12 a OK', 'write 0 x']);
});

test('a handoff takes along what was consumed, and its outcome comes back', async () => {
  const { session, said } = openRig();
  session.onLine('a LOGIN', 9);
  await session.readLine();
  session.onLine('b SELECT', 20);
  const refused = session.handoff(request);
  session.onHandoff({ is: 'refused', line: 'a NO' });
  expect(await refused).toEqual({ is: 'refused', line: 'a NO' });
  expect(await session.readLine()).toBe('b SELECT');
  const spliced = session.handoff(request);
  session.onSpliced();
  expect(await spliced).toEqual({ is: 'spliced' });
  expect(said).toEqual(['handoff 9 to 1', 'handoff 20 to 1']);
});

test('behind a splice the session is the engine’s: nothing more is said', async () => {
  const { session, said, gone } = openRig();
  const spliced = session.handoff(request);
  session.onSpliced();
  await spliced;
  session.reply('x');
  session.end('kicked', 'x');
  expect(said).toEqual(['handoff 0 to 1']);
  expect(gone).toEqual([session.id]);
});

test.each<[string, (rig: Rig) => void, string]>([
  ['a new table', ({ session }) => session.onTable(), 'table'],
  ['time', ({ clock }) => clock.advance(100), 'time'],
])('a hold ends by %s', async (_, act, expected) => {
  const rig = openRig();
  const held = rig.session.hold(99.5);
  act(rig);
  expect(await held).toBe(expected);
  expect(rig.said).toEqual(['hold 100']);
  expect(rig.clock.timers()).toBe(0);
});

test('events that answer nothing are ignored', async () => {
  const { session, said } = openRig();
  session.onTable();
  session.onHandoff({ is: 'refused', line: 'a NO' });
  session.onTlsReady(tls);
  const line = session.readLine();
  session.onHandoff({ is: 'refused', line: 'a NO' });
  session.onLine('x', 3);
  expect(await line).toBe('x');
  expect(said).toEqual([]);
});

test('the facts of a client are read from the words of its event', () => {
  const id = 0xabc as SessionId;
  const clear = clientFactsOf(id, '2001:db8::7 1 ::1 143 - - - -', true);
  expect(clear).toMatchObject({
    clientIp: '2001:db8::7',
    localPort: '143',
    tls: undefined,
    sessionId: '00000000000abc',
    isGreeted: true,
  });
  expect(clientFactsOf(id, '192.0.2.7 1 192.0.2.1 993 TLSv1.3 X imap mail', false).tls).toEqual({
    version: 'TLSv1.3',
    cipher: 'X',
    alpn: 'imap',
    sni: 'mail',
  });
  expect(tlsFactsOf([])).toBeUndefined();
});
