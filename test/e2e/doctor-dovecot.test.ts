/** `postern doctor` before a real Dovecot: each fault that is planted is found, and none in a good site. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { runDoctor, visit } from '../support/doctor.ts';
import { type DovecotDoctorSite, allProtocols, startDoctorDovecot } from '../support/doctor-dovecot.ts';
import { dovecotTest, hasDovecot } from '../support/dovecot-site.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';

let site: DovecotDoctorSite;
beforeAll(async () => {
  if (hasDovecot) site = await startDoctorDovecot();
}, 60_000);
afterAll(() => site?.close());

dovecotTest('nothing is wrong with a good site, and all that was seen is shown', async () => {
  const { status, report, wrong } = await visit(site);
  expect([status, wrong]).toEqual([0, []]);
  const [port] = report.servers[0]?.ports ?? [];
  expect(port).toMatchObject({
    protocol: 'imap',
    port: site.server.ports.imaps,
    isGood: true,
    localAddress: '127.0.0.1',
    tlsVersion: 'TLSv1.3',
    cipherSuite: 'TLS_AES_128_GCM_SHA256',
    certificate: { names: ['ex1.test'], issuer: 'CN=Postern test CA', daysLeft: 59 },
  });
  expect(port?.capabilities).toContain('IDLE');
});

dovecotTest('all protocols of a server are looked at, with and without TLS from the first byte', async () => {
  const { status, wrong, report } = await visit(site, allProtocols(site.server));
  expect([status, wrong]).toEqual([0, []]);
  const ports = report.servers[0]?.ports.map(({ protocol, tls, isGood, takesXclient, certificate }) => [
    protocol,
    tls,
    isGood,
    takesXclient,
    certificate?.names,
  ]);
  expect(ports).toEqual([
    ['imap', 'implicit', true, null, ['ex1.test']],
    ['pop3', 'implicit', true, true, ['ex1.test']],
    ['sieve', 'starttls', true, true, ['ex1.test']],
    ['submission', 'starttls', true, true, ['ex1.test']],
  ]);
  const clear = {
    POSTERN_SERVER_EX1_POP3_TLS: 'starttls',
    POSTERN_SERVER_EX1_POP3_PORT: String(site.server.ports.pop3),
  };
  expect((await visit(site, { ...allProtocols(site.server), ...clear })).wrong).toEqual([]);
});

dovecotTest(
  'a good site stays one when logins are tried, and the server forgets them',
  async () => {
    const { status, wrong } = await visit(site, {}, '--deep');
    expect([status, wrong]).toEqual([0, []]);
    const log = await site.server.log();
    expect(log).toContain('rip=192.0.2.11');
    // Every session that was opened has been closed by LOGOUT.
    await eventually('no session is left', async () => {
      const lines = (await site.server.log()).split('\n');
      const logins = lines.filter((line) => line.includes('Login: user=<probe1')).length;
      return lines.filter((line) => line.includes('Logged out')).length === logins;
    });
  },
  240_000,
);

dovecotTest(
  'mail_max_userip_connections=2 and the penalty for wrong passwords strike a gateway that ' +
    'names no clients',
  async () => {
    const { status, wrong, finding } = await visit(site, { POSTERN_SERVER_EX1_IDENTITY: 'none' }, '--deep');
    expect([status, wrong]).toEqual([1, ['connections-limited', 'logins-slowed']]);
    expect(finding('connections-limited').what).toMatch(
      /let in \d of 11 sessions .*mail_max_userip_connections=2/,
    );
    expect(finding('logins-slowed').mend).toContain('and here POSTERN_SERVER_EX1_IDENTITY=imap:id');
  },
  240_000,
);

dovecotTest('without --deep it is a hint that Dovecot counts the gateway', async () => {
  const { status, finding } = await visit(site, { POSTERN_SERVER_EX1_IDENTITY: 'none' });
  expect([status, finding('one-address').severity]).toEqual([0, 'hint']);
});

dovecotTest('an item of the baseline that it lacks is named', async () => {
  const { status, wrong, finding } = await visit(site, { POSTERN_IMAP_BASELINE: 'IDLE,X-ONE,X-TWO' });
  expect([status, wrong]).toEqual([1, ['baseline-missing']]);
  expect(finding('baseline-missing').what).toBe('ex1 imap offers no X-ONE, X-TWO');
});

dovecotTest('a port that refuses, and what it prints for people', async () => {
  const refusing = { POSTERN_SERVER_EX1_IMAP_PORT: String(await freePort()) };
  expect((await visit(site, refusing)).wrong).toEqual(['unreachable']);
  const { stdout, status } = await runDoctor(site, refusing);
  expect(status).toBe(1);
  expect(stdout).toMatch(/^FAULT {4}ex1 imap refuses connections\n {9}why {3}no session gets to this server/);
  expect(stdout).toMatch(/\nex1 {5}imap {6}\d+ +refuses connections/);
  expect(stdout).toMatch(/\n1 fault, 0 warnings, \d hints?\n$/);
});

dovecotTest('a server that takes connections and says nothing', async () => {
  site.server.freeze();
  try {
    const { status, wrong, finding } = await visit(site);
    expect([status, wrong.length]).toEqual([1, 1]);
    expect(finding(wrong[0] ?? '').what).toMatch(/ex1 imap.* within 1/);
  } finally {
    site.server.thaw();
  }
});

describe('a Dovecot without TLS', () => {
  let site: DovecotDoctorSite;
  beforeAll(async () => {
    if (hasDovecot) site = await startDoctorDovecot({ extra: 'ssl = no' });
  }, 60_000);
  afterAll(() => site?.close());

  dovecotTest('no STARTTLS is found, and no password was risked', async () => {
    const clear = {
      POSTERN_SERVER_EX1_TLS: 'starttls',
      POSTERN_SERVER_EX1_IMAP_PORT: String(site.server.ports.imap),
    };
    const { status, wrong, finding } = await visit(site, clear, '--deep');
    expect([status, wrong]).toEqual([1, ['no-starttls']]);
    expect(finding('no-starttls').what).toBe('ex1 imap offers no STARTTLS');
    expect(await site.server.log()).not.toContain('Login:');
  });

  dovecotTest('passwords in clear are a warning, though the settings ask for them', async () => {
    const clear = {
      POSTERN_SERVER_EX1_TLS: 'off',
      POSTERN_SERVER_EX1_IMAP_PORT: String(site.server.ports.imap),
    };
    expect((await visit(site, clear)).wrong).toEqual(['clear-passwords']);
  });
});
