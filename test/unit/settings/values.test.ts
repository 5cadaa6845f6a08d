import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { adminSocketCandidates, chooseAdminSocket } from '#gateway/settings/admin-socket';
import { readCertificates } from '#gateway/settings/certificates';
import { checkReport } from '#gateway/settings/check-report';
import { didYouMean } from '#gateway/settings/did-you-mean';
import { endReasonsPage, settingsPage } from '#gateway/settings/docs';
import { presets } from '#gateway/settings/presets';
import { secretOf } from '#gateway/settings/secret';
import { settingRows } from '#gateway/settings/table';
import { takeSecrets } from '#gateway/settings/take-secrets';
import type { SettingType } from '#gateway/settings/setting-row';
import { formatDuration, parseValue } from '#gateway/settings/value';
import { machine, site } from './site.ts';

const duration: SettingType = { is: 'duration', minMs: 1000, maxMs: 3_600_000 };
const whole: SettingType = { is: 'whole', min: 1, max: 32 };

test.each<[SettingType, string, unknown]>([
  [duration, '1s', 1000],
  [duration, '1000ms', 1000],
  [duration, '60m', 3_600_000],
  [duration, '1h', 3_600_000],
  [whole, '1', 1],
  [whole, '32', 32],
  [{ is: 'flag' }, 'false', false],
  [{ is: 'names' }, 'EX1, ex-2', ['ex1', 'ex-2']],
  [{ is: 'name' }, 'Mailbox Database 1', 'mailbox database 1'],
  [{ is: 'address' }, 'fd00::11', 'fd00::11'],
  [{ is: 'networks' }, '10.1.0.5, 10.2.0.0/16', ['10.1.0.5', '10.2.0.0/16']],
  [{ is: 'networks' }, '10.2.4.0/22,128.0.0.0/1', ['10.2.4.0/22', '128.0.0.0/1']],
  [{ is: 'networks' }, '::1,2001:db8::/32,fd00::21/128', ['::1', '2001:db8::/32', 'fd00::21/128']],
  [{ is: 'networks' }, '2001:db8:0:8000::/49', ['2001:db8:0:8000::/49']],
  [{ is: 'addressPort' }, '10.1.0.21:8453', { host: '10.1.0.21', port: 8453 }],
  [{ is: 'addressPort' }, '[fd00::21]:0', { host: 'fd00::21', port: 0 }],
  [{ is: 'hostname' }, 'EX1.corp.example', 'ex1.corp.example'],
  [{ is: 'paths' }, '/a, /b', ['/a', '/b']],
  [{ is: 'capabilities', protocol: 'imap' }, 'idle, auth=xoauth2', ['IDLE', 'AUTH=XOAUTH2']],
  [
    { is: 'capabilities', protocol: 'imap' },
    'AUTH=OAUTHBEARER,AUTH=LOGIN,AUTH=PLAIN,QUOTA=RES-STORAGE',
    ['AUTH=OAUTHBEARER', 'AUTH=LOGIN', 'AUTH=PLAIN', 'QUOTA=RES-STORAGE'],
  ],
  [{ is: 'capabilities', protocol: 'imap' }, 'X'.repeat(64), ['X'.repeat(64)]],
])('%j takes %s', (type, text, value) => {
  expect(parseValue(type, text)).toEqual({ value });
});

test.each<[SettingType, string]>([
  [duration, '999ms'],
  [duration, '3601s'],
  [duration, '30'],
  [duration, '1.5s'],
  [duration, '-1s'],
  [duration, '9999999999s'],
  [whole, '0'],
  [whole, '33'],
  [whole, '1e1'],
  [whole, ''],
  [{ is: 'flag' }, 'yes'],
  [{ is: 'names' }, 'ex1,,ex2'],
  [{ is: 'names' }, 'ex1,EX1'],
  [{ is: 'name' }, 'ex/1'],
  [{ is: 'name' }, 'x'.repeat(65)],
  [{ is: 'address' }, '10.1.0.256'],
  [{ is: 'networks' }, '10.1.0.5/16'],
  [{ is: 'networks' }, '10.2.4.0/21'],
  [{ is: 'networks' }, '10.1.0.0/33'],
  [{ is: 'networks' }, '10.1.0.0/'],
  [{ is: 'networks' }, '10.1.0.0/1x'],
  [{ is: 'networks' }, '10.1.0.0/16/16'],
  [{ is: 'networks' }, '10.1/16'],
  [{ is: 'networks' }, '0.0.0.0/0'],
  [{ is: 'networks' }, '::/0'],
  [{ is: 'networks' }, '2001:db8::1/32'],
  [{ is: 'networks' }, '2001:db8:0:8000::/48'],
  [{ is: 'networks' }, '2001:db8::/129'],
  [{ is: 'networks' }, '::ffff:10.1.0.5'],
  [{ is: 'networks' }, '::ffff:10.1.0.0/112'],
  [{ is: 'networks' }, 'fe80::1%eth0'],
  [{ is: 'networks' }, 'balancer.corp.example'],
  [{ is: 'networks' }, '10.1.0.5,,10.1.0.6'],
  [{ is: 'addressPort' }, '10.1.0.21'],
  [{ is: 'addressPort' }, '10.1.0.21:65536'],
  [{ is: 'addressPort' }, 'fd00::21:80'],
  [{ is: 'hostname' }, '10.1.0.11'],
  [{ is: 'hostname' }, 'ex1_a.corp'],
  [{ is: 'hostname' }, `${'x'.repeat(64)}.corp`],
  [{ is: 'path' }, 'etc/cert.pem'],
  [{ is: 'capabilities', protocol: 'imap' }, 'IDLE UIDPLUS'],
  [{ is: 'capabilities', protocol: 'imap' }, 'IDLE]'],
  [{ is: 'capabilities', protocol: 'imap' }, 'IDLE\r\n* OK'],
  [{ is: 'capabilities', protocol: 'imap' }, 'idle,IDLE'],
  [{ is: 'capabilities', protocol: 'imap' }, 'X'.repeat(65)],
  [{ is: 'capabilities', protocol: 'imap' }, 'AUTH='],
  [{ is: 'capabilities', protocol: 'imap' }, 'AUTH=GSSAPI'],
  [{ is: 'capabilities', protocol: 'imap' }, 'STARTTLS'],
  [{ is: 'capabilities', protocol: 'imap' }, 'IMAP4rev2'],
  [{ is: 'capabilities', protocol: 'imap' }, 'LITERAL-'],
])('%j refuses %s with a mend', (type, text) => {
  expect(parseValue(type, text)).toMatchObject({ problem: expect.any(String), mend: expect.any(String) });
});

test('a duration is written in its largest whole unit', () => {
  expect([500, 1000, 90_000, 60_000, 3_600_000, 86_400_000].map(formatDuration)).toEqual([
    '500ms',
    '1s',
    '90s',
    '1m',
    '1h',
    '1d',
  ]);
});

test('a name with a slip is guessed, another is not', () => {
  expect(didYouMean('POSTERN_SERVES', ['POSTERN_SERVERS', 'POSTERN_WORKERS'])).toBe('POSTERN_SERVERS');
  expect(didYouMean('ab', ['ba'])).toBe('ba');
  expect(didYouMean('POSTERN_FOO', ['POSTERN_SERVERS', 'POSTERN_LISTEN_ADDRESS'])).toBeUndefined();
});

test('V53: a secret shows in no way but by name', () => {
  const secret = secretOf('hunter2');
  expect(
    [`${secret}`, JSON.stringify([secret]), inspect({ secret }), Object.values(secret).join(' ')].join('\n'),
  ).not.toContain('hunter2');
  expect(secret.reveal()).toBe('hunter2');
});

describe('the table', () => {
  test.each(
    settingRows.filter(({ byDefault }) => byDefault !== undefined).map((row) => [row.name, row] as const),
  )('the default of %s is a value of its type', (_, row) => {
    expect(parseValue(row.type, row.byDefault ?? '')).toHaveProperty('value');
  });

  test.each(Object.entries(presets))(
    'the preset %s sets settings that exist, to values of their type',
    (_, { defaults }) => {
      for (const [name, text] of Object.entries(defaults)) {
        const row = settingRows.find((candidate) => candidate.name === name);
        expect(row === undefined ? undefined : parseValue(row.type, text), name).toHaveProperty('value');
      }
    },
  );

  test('no name is there twice, and each has a sentence', () => {
    expect(new Set(settingRows.map(({ name }) => name)).size).toBe(settingRows.length);
    expect(settingRows.filter(({ doc }) => !doc.endsWith('.')).map(({ name }) => name)).toEqual([]);
  });
});

test.each([
  ['settings.md', settingsPage],
  ['end-reasons.md', endReasonsPage],
])('docs/%s is what its table prints', (name, page) => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs', name), 'utf8')).toBe(page());
});

describe('postern check', () => {
  test('shows each setting with its source, secrets masked, and warns', () => {
    const { rows, problems } = checkReport(
      { ...site, POSTERN_PRESET: 'dovecot-dsync', POSTERN_AGENT_KEY_FILE: '/run/agent.key' },
      machine,
    );
    const row = (name: string) => rows.find((candidate) => candidate.name === name);
    expect(problems).toEqual([]);
    expect(row('POSTERN_AGENT_KEY')).toMatchObject({
      value: '***',
      source: 'file /run/agent.key',
      verdict: 'ok',
    });
    expect(row('POSTERN_MOVE_POLICY')).toMatchObject({ value: 'exclusive', source: 'preset dovecot-dsync' });
    expect(row('POSTERN_SERVER_EX1_FQDN')).toMatchObject({
      value: 'ex1.corp.example',
      source: 'environment',
    });
    expect(row('POSTERN_SERVER_EX1_WEIGHT')).toBeUndefined();
    expect(row('POSTERN_STATE_DIR')).toMatchObject({
      source: 'default: none: they are lost',
      verdict: 'warning',
    });
    expect(row('POSTERN_MOVE_HOLD_FOR')).toMatchObject({ value: '35s', source: 'default', verdict: 'ok' });
  });

  test('puts each problem at its setting, and unknown names at the end without their value', () => {
    const { rows, problems } = checkReport(
      { ...site, POSTERN_WORKERS: 'many', POSTERN_AGENT_KYE: 'hunter2' },
      machine,
    );
    expect(problems).toHaveLength(2);
    expect(rows.filter(({ verdict }) => verdict === 'problem')).toEqual([
      {
        name: 'POSTERN_WORKERS',
        value: 'many',
        source: 'environment',
        verdict: 'problem',
        hint: 'is "many"; write a whole number from 1 to 32',
      },
      {
        name: 'POSTERN_AGENT_KYE',
        value: '',
        source: 'environment',
        verdict: 'problem',
        hint: 'is no setting; did you mean POSTERN_AGENT_KEY?',
      },
    ]);
    expect(JSON.stringify(rows)).not.toContain('hunter2');
  });
});

describe('the admin socket', () => {
  const env = { XDG_RUNTIME_DIR: '/run/user/1000' };

  test('is searched in the same places by gateway and command', () => {
    expect(adminSocketCandidates(env, machine)).toEqual([
      '/run/postern/admin.sock',
      '/run/user/1000/postern/admin.sock',
      '/tmp/postern-1000/admin.sock',
    ]);
    expect(adminSocketCandidates({ POSTERN_ADMIN_SOCKET: '/a.sock' }, machine)).toEqual(['/a.sock']);
  });

  test.each([
    [['/run/postern', '/tmp'], '/run/postern/admin.sock'],
    [['/run/user/1000', '/tmp'], '/run/user/1000/postern/admin.sock'],
    [['/tmp'], '/tmp/postern-1000/admin.sock'],
    [[], '/tmp/postern-1000/admin.sock'],
  ])('with %j writable is %s', (writable, expected) => {
    expect(chooseAdminSocket(env, { ...machine, isWritableFolder: (path) => writable.includes(path) })).toBe(
      expected,
    );
  });
});

test('a key with a passphrase is refused, since nobody is there to type it', () => {
  const readFile = () => ({ text: '-----BEGIN CERTIFICATE-----\n-----BEGIN ENCRYPTED PRIVATE KEY-----' });
  expect(readCertificates([{ certificatePath: '/c', keyPath: '/k' }], readFile)).toMatchObject({
    problems: [{ setting: 'POSTERN_TLS_KEY_PATH' }],
  });
});

test('V53: taking the secrets leaves the environment all but those, and the copy has everything', () => {
  const names = settingRows.map(({ name }) => name);
  const secrets = settingRows.filter(({ type }) => type.is === 'secret').map(({ name }) => name);
  expect(secrets).toEqual(expect.arrayContaining(['POSTERN_AGENT_KEY', 'POSTERN_TLS_KEY']));
  const before = Object.fromEntries([...names, 'POSTERN_AGENT_KEY_FILE', 'PATH'].map((name) => [name, 'x']));
  const env = { ...before };
  expect(takeSecrets(env)).toEqual(before);
  expect(Object.keys(before).filter((name) => !(name in env))).toEqual(secrets);
});

test.each([
  [
    { POSTERN_LOG_LEVEL: 'warn' },
    'no session is logged: their lines are of info, and POSTERN_LOG_LEVEL is warn',
  ],
  [{ POSTERN_LOG_LEVEL: 'error', POSTERN_LOG_SESSIONS: 'false' }, ''],
  [{ POSTERN_LOG_LEVEL: 'debug' }, ''],
])('with %j the hint of POSTERN_LOG_SESSIONS is "%s"', (changes, hint) => {
  const { rows } = checkReport({ ...site, ...changes }, machine);
  expect(rows.find(({ name }) => name === 'POSTERN_LOG_SESSIONS')?.hint).toBe(hint);
});
