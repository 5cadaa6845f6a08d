/** The demo's settings and its words, without running it. */
import { expect, test } from 'vitest';
import { demoDoors, demoEnv, labPorts } from '#gateway/cli/demo-settings';
import { demoText } from '#gateway/cli/demo-text';
import { loginProtocols } from '#model/protocol';

const site = {
  files: { certificate: '/tmp/c.pem', key: '/tmp/k.pem', mailboxes: '/tmp/mailboxes' },
  agentKey: 'k',
  portOf: (server: string, protocol: string) =>
    Number(server.slice(2)) * 100 + loginProtocols.findIndex((each) => each === protocol),
};

test('every door has its port, and every server one for each protocol', () => {
  const env = demoEnv(site, {});
  expect(env['POSTERN_PROTOCOLS']?.split(',')).toEqual(demoDoors.map(({ frontend }) => frontend));
  for (const { frontend, port } of demoDoors)
    expect(env[`POSTERN_${frontend.toUpperCase()}_PORT`]).toBe(String(port));
  expect(env).toMatchObject({
    POSTERN_SERVER_EX1_IMAP_PORT: '100',
    POSTERN_SERVER_EX1_POP3_PORT: '101',
    POSTERN_SERVER_EX2_MANAGESIEVE_PORT: '202',
    POSTERN_SERVER_EX2_SUBMISSION_PORT: '203',
  });
});

test('what the user has set wins, and what is no setting of the gateway is left out', () => {
  const own = { POSTERN_IMAPS_PORT: '0', POSTERN_LOG_LEVEL: 'debug', POSTERN_LAB_SOCKET: '/x', HOME: '/' };
  const env = demoEnv(site, own);
  expect(env).toMatchObject({ POSTERN_IMAPS_PORT: '0', POSTERN_LOG_LEVEL: 'debug' });
  expect(env).not.toHaveProperty('POSTERN_LAB_SOCKET');
  expect(env).not.toHaveProperty('HOME');
});

test('a lab server listens where the user wants it, else at a free port', () => {
  expect(labPorts('ex2', { POSTERN_SERVER_EX2_MANAGESIEVE_PORT: '14190' })).toEqual({
    imap: 0,
    pop3: 0,
    sieve: 14190,
    submission: 0,
  });
});

const all = new Map(demoDoors.map(({ frontend, port }) => [frontend, port]));

test('with every door and swaks it fits 40 lines of 80 columns', () => {
  const lines = demoText({
    ports: all,
    certificatePath: '/tmp/postern-demo-abcdef/cert.pem',
    hasSwaks: true,
  });
  expect(lines.split('\n').length).toBeLessThanOrEqual(40);
  for (const line of lines.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('a door that is not offered, and a program that is not there, are not spoken of', () => {
  const text = demoText({ ports: new Map([['imaps', 1993]]), certificatePath: '/c.pem', hasSwaks: false });
  expect(text).toContain('  imaps        1993  TLS from the first byte');
  expect(text).toContain("imaps://127.0.0.1:1993/INBOX;UID=1'");
  expect(text).not.toMatch(/pop3|smtp|swaks|sieve/);
});
