import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { doctorText } from '#gateway/cli/doctor-text';
import { reportOf } from '#gateway/doctor/report';
import type { ServerId } from '#model/ids';
import { port, server, site } from '../doctor/site.ts';

const down = port({
  seen: { is: 'unusable', reason: 'connect_refused', why: 'refuses connections', standing: undefined },
});

test('findings come first, the worst of them on top, then a line for each port, the bad ones first', () => {
  const servers = [
    server({ ports: [port({}, { product: 'Dovecot' })] }),
    server({ server: 'ex2' as ServerId, address: '10.1.0.12', ports: [down] }),
  ];
  expect(doctorText(reportOf(site({ servers })))).toBe(
    [
      'FAULT    ex2 imap refuses connections',
      '         why   no session gets to this server, and its databases are served by nobody or by others',
      '         mend  start imap at 10.1.0.12:993, or correct POSTERN_SERVER_EX2_IMAP_PORT',
      '',
      'HINT     ex1 counts 10.1.0.21 for all users of imap',
      "         why   mail_max_userip_connections and the penalty for failed logins count the gateway's " +
        'address for all users; `postern doctor --deep` tries both',
      '         mend  Dovecot, at ex1: login_trusted_networks = 10.1.0.21',
      '               POSTERN_SERVER_EX1_IDENTITY=imap:id',
      '',
      'SERVER  PROTOCOL  PORT  STATE                         TLS                             ' +
        'CERTIFICATE                 FROM',
      'ex2     imap      993   refuses connections           -                               ' +
        '-                           -',
      'ex1     imap      993   good, 2 capabilities in 12ms  TLSv1.3 TLS_AES_128_GCM_SHA256  ' +
        '60d left, abababababababab  10.1.0.21',
      '',
      '1 fault, 0 warnings, 1 hint',
      '',
    ].join('\n'),
  );
});

test('a good site is one table and one sentence', () => {
  const text = doctorText(reportOf(site()));
  expect(text.startsWith('SERVER')).toBe(true);
  expect(text.endsWith('\nnothing is wrong (0 hints)\n')).toBe(true);
});

test('V54: what a server calls itself can not steer the terminal', () => {
  const evil = port({ protocol: 'submission' }, { seenAddress: '\u001b[2J' });
  expect(doctorText(reportOf(site({ servers: [server({ ports: [evil] })] })))).not.toContain('\u001b');
});

test('the command itself: bad settings are printed, and the exit code is 78', async () => {
  const entry = new URL('../../../gateway/cli/postern.ts', import.meta.url).pathname;
  const args = ['--conditions=source', '--import', 'tsx', entry, 'doctor', '--json'];
  const env = { PATH: process.env['PATH'], POSTERN_SERVERS: 'ex1', POSTERN_SERVRES: 'x' };
  const { code, out, stderr } = await new Promise<{ code: unknown; out: string; stderr: string }>((resolve) =>
    execFile(process.execPath, args, { env }, (error, stdout, text) =>
      resolve({ code: error?.code, out: stdout, stderr: text }),
    ),
  );
  expect([code, out]).toEqual([78, '']);
  expect(stderr).toMatch(/^POSTERN_SERVRES /m);
  expect(stderr).toMatch(/^POSTERN_SERVER_EX1_ADDRESS is not set/m);
}, 30_000);
