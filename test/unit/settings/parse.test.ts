import { expect, test } from 'vitest';
import type { Env } from '#gateway/settings/surroundings';
import { certificate, files, key, machine, problemsOf, settingsOf, site } from './site.ts';

test('the servers and databases of a site are parsed whole', () => {
  const settings = settingsOf();
  expect(settings.servers).toEqual([
    {
      id: 'ex1',
      address: '10.1.0.11',
      fqdn: 'ex1.corp.example',
      weight: 100,
      trust: { profile: 'modern', verify: 'ca', caPem: 'ROOTS', pins: [] },
      protocols: { imap: { port: 993, tls: 'implicit', identity: 'none' } },
    },
    {
      id: 'ex-2',
      address: '10.1.0.12',
      fqdn: 'ex2.corp.example',
      weight: 100,
      trust: { profile: 'modern', verify: 'ca', caPem: 'ROOTS', pins: [] },
      protocols: { imap: { port: 993, tls: 'implicit', identity: 'none' } },
    },
  ]);
  expect(settings.databases).toEqual([
    { id: 'db1', copies: ['ex1', 'ex-2'], policy: 'exclusive' },
    { id: 'db2', copies: [], policy: 'exclusive' },
  ]);
});

test('a site is parsed whole, with the defaults of what it does not name', () => {
  expect(settingsOf()).toMatchObject({
    movePolicy: 'exclusive',
    unknownMailbox: { then: 'refuse' },
    frontends: [
      {
        name: 'imaps',
        tls: 'implicit',
        listeners: [{ host: '0.0.0.0', port: 993 }],
        idleTimeoutMs: 1_860_000,
        baseline: [],
      },
    ],
    tls: { certificates: [{ certificatePath: '/etc/cert.pem', keyPath: '/etc/key.pem' }] },
    copySources: ['agent'],
    agent: { listen: undefined, key: undefined },
    claimStaleAfterMs: 15_000,
    holdForMs: 35_000,
    serverDownSessions: 'end',
    goodbye: { perSecond: 200, windowMs: 30_000 },
    limits: {
      connectionsMax: 20_000,
      connectionsPerAddressMax: 1000,
      preambleTimeoutMs: 60_000,
      loginAttemptsMax: 3,
      loginDelayMaxMs: 15_000,
      sessionsPerMailboxMax: 100,
    },
    workers: 4,
    ioThreads: 8,
    adminSocket: '/run/postern/admin.sock',
    stateDir: undefined,
    log: { level: 'info', sessions: true },
    hostname: 'gw1.corp.example',
  });
});

test('one server may differ from the rest', () => {
  const { servers } = settingsOf({
    POSTERN_SERVER_TLS: 'starttls',
    POSTERN_SERVER_TLS_CA_PATH: '/etc/ca.pem',
    POSTERN_SERVER_IDENTITY: 'imap:id',
    POSTERN_SERVER_EX_2_TLS: 'off',
    POSTERN_SERVER_EX_2_IMAP_PORT: '1143',
    POSTERN_SERVER_EX_2_WEIGHT: '50',
    POSTERN_SERVER_EX_2_IDENTITY: 'none',
  });
  expect(servers).toMatchObject([
    {
      weight: 100,
      trust: { caPem: files['/etc/ca.pem'] },
      protocols: { imap: { port: 143, tls: 'starttls', identity: 'id' } },
    },
    { weight: 50, trust: { caPem: '' }, protocols: { imap: { port: 1143, tls: 'off', identity: 'none' } } },
  ]);
});

test('a preset sets defaults, and what is written wins over it', () => {
  const changes = {
    POSTERN_PRESET: 'exchange-2010',
    POSTERN_DATABASES: undefined,
    POSTERN_DATABASE_DB1_COPIES: undefined,
  };
  expect(settingsOf(changes)).toMatchObject({
    movePolicy: 'sticky',
    claimStaleAfterMs: 60_000,
    unknownMailbox: { then: 'hash' },
  });
  expect(settingsOf({ ...changes, POSTERN_CLAIM_STALE_AFTER: '20s' }).claimStaleAfterMs).toBe(20_000);
  expect(settingsOf(changes).frontends[0]?.baseline).toContain('IDLE');
});

test('what a preset offers before the login can be added to, and nothing is offered twice', () => {
  const baselineOf = (changes: Env) => settingsOf(changes).frontends.map(({ baseline }) => baseline);
  const both = { POSTERN_PROTOCOLS: 'imaps,imap', POSTERN_IMAP_BASELINE: 'AUTH=XOAUTH2,idle,AUTH=LOGIN' };
  expect(baselineOf(both)).toEqual([
    ['AUTH=XOAUTH2', 'IDLE', 'AUTH=LOGIN'],
    ['AUTH=XOAUTH2', 'IDLE', 'AUTH=LOGIN'],
  ]);
  expect(baselineOf({ ...both, POSTERN_PROTOCOLS: 'imaps', POSTERN_PRESET: 'exchange-2010' })).toEqual([
    ['IDLE', 'NAMESPACE', 'UIDPLUS', 'CHILDREN', 'AUTH=XOAUTH2', 'AUTH=LOGIN'],
  ]);
});

test('what Kubernetes injects, and what is empty, is ignored', () => {
  expect(
    problemsOf({
      POSTERN_PORT: 'tcp://10.0.0.1:993',
      POSTERN_PORT_993_TCP_PROTO: 'tcp',
      POSTERN_SERVICE_HOST: '10.0.0.1',
      POSTERN_MOVE_POLICY: '',
      PATH: '/bin',
    }),
  ).toEqual([]);
});

test('secrets come from files, without the line end, and never show', () => {
  const { agent, monitor } = settingsOf({
    POSTERN_AGENT_KEY_FILE: '/run/agent.key',
    POSTERN_PROBE_ACCOUNTS: '# probes\ndb1 probe1 pass word\n\ndb2  probe2\tx',
  });
  expect(agent.key?.reveal()).toBe('0123456789abcdef');
  expect(`${agent.key} ${JSON.stringify({ agent })}`).not.toContain('0123');
  expect(
    monitor.probeAccounts.map(({ database, user, password }) => [database, user, password.reveal()]),
  ).toEqual([
    ['db1', 'probe1', 'pass word'],
    ['db2', 'probe2', 'x'],
  ]);
  expect(JSON.stringify(monitor)).not.toContain('pass word');
});

test('the key of the certificate may be given by value', () => {
  const { tls } = settingsOf({ POSTERN_TLS_KEY_PATH: undefined, POSTERN_TLS_KEY_FILE: '/etc/key.pem' });
  const [given] = tls.certificates;
  expect(given !== undefined && 'key' in given && given.key.reveal()).toBe(key.trim());
});

test('the file of POSTERN_ENV_PATH wins name by name, and an empty value there unsets', () => {
  const text = '# site\nPOSTERN_MOVE_POLICY="sticky"\nexport POSTERN_DATABASE_DB1_COPIES=\nOTHER=1\n';
  const readFile = (path: string) => (path === '/etc/postern.env' ? { text } : machine.readFile(path));
  const changes = { POSTERN_ENV_PATH: '/etc/postern.env', POSTERN_MOVE_POLICY: 'free' };
  expect(problemsOf(changes, { ...machine, readFile })).toEqual([]);
  const bad = (path: string) =>
    path === '/etc/postern.env' ? { text: 'secret thing\nPOSTERN_FOO=1' } : machine.readFile(path);
  expect(problemsOf(changes, { ...machine, readFile: bad })).toEqual([
    'POSTERN_ENV_PATH names /etc/postern.env, whose line 1 is no NAME=value; write NAME=value, or' +
      ' # in front of a comment',
    'POSTERN_FOO is no setting; remove it; docs/settings.md lists all names',
  ]);
});

test('load balancers and source addresses are as written', () => {
  const { frontends, trustedProxies, sourceAddresses } = settingsOf({
    POSTERN_PROTOCOLS: 'imaps,imap',
    POSTERN_PROXY_PROTOCOL: 'imaps',
    POSTERN_TRUSTED_PROXIES: '10.1.0.5,2001:db8::/32',
    POSTERN_SOURCE_ADDRESSES: '10.1.0.21,10.1.0.22',
  });
  expect(frontends.map(({ name, isProxied }) => [name, isProxied])).toEqual([
    ['imaps', true],
    ['imap', false],
  ]);
  expect(trustedProxies).toEqual(['10.1.0.5', '2001:db8::/32']);
  expect(sourceAddresses).toEqual(['10.1.0.21', '10.1.0.22']);
});

const faults: [Env, string][] = [
  [
    { POSTERN_PROXY_PROTOCOL: 'imaps' },
    'POSTERN_TRUSTED_PROXIES is not set, and POSTERN_PROXY_PROTOCOL is: nobody could connect there; name ' +
      'the addresses or networks of the load balancers',
  ],
  [
    { POSTERN_PROXY_PROTOCOL: 'imaps,pop3', POSTERN_TRUSTED_PROXIES: '10.1.0.5' },
    'POSTERN_PROXY_PROTOCOL has pop3, which POSTERN_PROTOCOLS does not offer; leave it out, or offer it',
  ],
  [
    { POSTERN_PROXY_PROTOCOL: 'imaps', POSTERN_TRUSTED_PROXIES: '10.1.0.5/24' },
    'POSTERN_TRUSTED_PROXIES has "10.1.0.5/24", whose address is no network of 24 bits; write 10.1.0.5 ' +
      'for the address alone, or the network\'s first address before the "/"',
  ],
  [
    { POSTERN_SOURCE_ADDRESSES: '10.1.0.21,10.9.9.9' },
    'POSTERN_SOURCE_ADDRESSES has 10.9.9.9, which this machine does not have; give the address to a ' +
      'network interface first, or leave it out',
  ],
  [
    { POSTERN_SOURCE_ADDRESSES: '10.1.0.21', POSTERN_SERVER_EX_2_ADDRESS: 'fd00::12' },
    "POSTERN_SOURCE_ADDRESSES has no IPv6 address, and ex-2 has one; add one of this machine's " +
      'IPv6 addresses',
  ],
  [
    { POSTERN_SERVERS: undefined, POSTERN_DATABASE_DB1_COPIES: undefined, ...noServers() },
    'POSTERN_SERVERS is not set; name the servers: POSTERN_SERVERS=ex1,ex2',
  ],
  [{ POSTERN_SERVER: 'ex1' }, 'POSTERN_SERVER is no setting; did you mean POSTERN_SERVERS?'],
  [
    { POSTERN_AGNET_KEY_FILE: '/run/agent.key' },
    'POSTERN_AGNET_KEY_FILE is no setting; did you mean POSTERN_AGENT_KEY_FILE?',
  ],
  [
    { POSTERN_SERVER_BACKUP_ADDRESS: '10.1.0.13' },
    'POSTERN_SERVER_BACKUP_ADDRESS is no setting; add the server backup to POSTERN_SERVERS, or remove it',
  ],
  [
    { POSTERN_SERVER_EX1_ADDRESS: 'ex1.corp.example' },
    'POSTERN_SERVER_EX1_ADDRESS has "ex1.corp.example", which is no IP address; write an IPv4 or ' +
      'IPv6 address, such as 10.1.0.11 or fd00::11',
  ],
  [
    { POSTERN_SERVER_EX1_ADDRESS: undefined },
    'POSTERN_SERVER_EX1_ADDRESS is not set; write, for example, POSTERN_SERVER_EX1_ADDRESS=10.1.0.11',
  ],
  [
    { POSTERN_SERVER_EX1_FQDN: undefined },
    'POSTERN_SERVER_EX1_FQDN is not set; write, for example, POSTERN_SERVER_EX1_FQDN=ex1.corp.example',
  ],
  [
    { POSTERN_SERVER_EX1_ADDRESS: '10.1.0.12' },
    'POSTERN_SERVER_EX_2_ADDRESS is 10.1.0.12 port 993, as that of ex1; give each server its own ' +
      'address or port',
  ],
  [
    { POSTERN_SERVER_EX_2_FQDN: 'ex1.other.example' },
    'POSTERN_SERVER_EX_2_FQDN makes ex1 a name of both ex1 and ex-2; correct it, so that claims ' +
      'about the one are not taken for the other',
  ],
  [
    { POSTERN_SERVER_TLS_CA_PATH: '/etc/none' },
    "POSTERN_SERVER_TLS_CA_PATH can't be used: /etc/none does not exist; name a file that this user can read",
  ],
  [
    { POSTERN_SERVER_TLS_CA_PATH: '/etc/mailboxes' },
    'POSTERN_SERVER_TLS_CA_PATH names /etc/mailboxes, which holds no certificate; name a PEM file' +
      ' of authorities',
  ],
  [
    { POSTERN_TLS_CERT_PATH: '/etc/none' },
    "POSTERN_TLS_CERT_PATH can't be used: /etc/none does not exist; name a file that this user can read",
  ],
  [
    { POSTERN_TLS_KEY_PATH: '/etc/cert.pem' },
    'POSTERN_TLS_KEY_PATH names /etc/cert.pem, which holds no private key; name a PEM file with a' +
      ' private key',
  ],
  [
    { POSTERN_TLS_CERT_PATH: undefined },
    'POSTERN_TLS_CERT_PATH is not set; name the PEM file of the certificate that clients see',
  ],
  [
    { POSTERN_TLS_KEY_PATH: undefined },
    'POSTERN_TLS_KEY_PATH is not set; name the PEM file of the key, or use POSTERN_TLS_KEY_FILE',
  ],
  [
    { POSTERN_TLS_KEY_FILE: '/etc/key.pem' },
    'POSTERN_TLS_KEY_PATH is set, and POSTERN_TLS_KEY too; keep one of them',
  ],
  [
    { POSTERN_TLS_CERT_PATH: '/etc/cert.pem,/etc/ca.pem' },
    'POSTERN_TLS_KEY_PATH names 1 keys for 2 certificates; name one key file for each ' +
      'certificate, in the same order',
  ],
  [
    { POSTERN_AGENT_KEY: 'x'.repeat(16), POSTERN_AGENT_KEY_FILE: '/run/agent.key' },
    'POSTERN_AGENT_KEY is set, and POSTERN_AGENT_KEY_FILE too; keep one of them',
  ],
  [
    { POSTERN_AGENT_KEY_FILE: '/run/none' },
    "POSTERN_AGENT_KEY_FILE can't be used: /run/none does not exist; name a file that this user can read",
  ],
  [
    { POSTERN_AGENT_KEY_FILE: '/run/empty' },
    'POSTERN_AGENT_KEY_FILE names /run/empty, which is empty; write the value into that file',
  ],
  [{ POSTERN_AGENT_KEY: 'x'.repeat(15) }, 'POSTERN_AGENT_KEY has 15 characters; use 16 or more'],
  [
    { POSTERN_AGENT_LISTEN: '10.1.0.21:8453' },
    'POSTERN_AGENT_KEY is not set, and POSTERN_AGENT_LISTEN is; give the token that agents send, ' +
      'as POSTERN_AGENT_KEY_FILE',
  ],
  [
    { POSTERN_AGENT_LISTEN: '10.1.0.21:993', POSTERN_AGENT_KEY: 'x'.repeat(16) },
    'POSTERN_AGENT_LISTEN takes port 993, which POSTERN_IMAPS_PORT takes too; give each listener ' +
      'its own address or port',
  ],
  [
    { POSTERN_COPY_SOURCES: 'file' },
    'POSTERN_COPIES_PATH is not set, and POSTERN_COPY_SOURCES has file; name the file that says ' +
      'where the active copies are',
  ],
  [
    { POSTERN_COPIES_PATH: '/etc/copies.yaml' },
    'POSTERN_COPIES_PATH is set, and POSTERN_COPY_SOURCES has no file; add file to ' +
      'POSTERN_COPY_SOURCES, or remove it',
  ],
  [
    { POSTERN_DIRECTORY_PATH: '/etc/none' },
    'POSTERN_DIRECTORY_PATH names /etc/none, which is no file that this user can read; make the ' +
      'file, or correct the path',
  ],
  [
    { POSTERN_DIRECTORY_PATH: undefined },
    'POSTERN_DIRECTORY_PATH is not set, so no mailbox has a database, and POSTERN_MOVE_POLICY is ' +
      'exclusive; name the file of mailboxes, or set POSTERN_DEFAULT_DATABASE',
  ],
  [
    { POSTERN_DATABASES: undefined, POSTERN_DATABASE_DB1_COPIES: undefined },
    'POSTERN_DATABASES is not set, and POSTERN_MOVE_POLICY is exclusive; name the databases, or ' +
      'choose the preset of your servers (POSTERN_PRESET)',
  ],
  [
    { POSTERN_DATABASE_DB1_COPIES: 'ex1,ex2' },
    'POSTERN_DATABASE_DB1_COPIES has ex2, which POSTERN_SERVERS does not list; did you mean ex1?',
  ],
  [
    { POSTERN_DEFAULT_DATABASE: 'archive' },
    'POSTERN_DEFAULT_DATABASE has archive, which POSTERN_DATABASES does not list; add it to ' +
      'POSTERN_DATABASES, or correct it',
  ],
  [
    { POSTERN_DATABASES: 'db1,d_b,d-b' },
    'POSTERN_DATABASES has d_b and d-b, which are both written POSTERN_DATABASE_D_B_COPIES; give ' +
      'one of them another name',
  ],
  [
    { POSTERN_PROBE_ACCOUNTS: 'db1 probe s3cret\ndb2 nopass' },
    'POSTERN_PROBE_ACCOUNTS has no database, user and password in line 2; write them with white ' +
      'space between',
  ],
  [
    { POSTERN_PROBE_ACCOUNTS: 'db1 a x\ndb1 b y' },
    'POSTERN_PROBE_ACCOUNTS has a second account of db1 in line 2; leave one a database',
  ],
  [
    { POSTERN_STATE_DIR: '/nowhere' },
    'POSTERN_STATE_DIR names /nowhere, which is no folder that this user can write; make the ' +
      'folder and give it to this user',
  ],
  [
    { POSTERN_IMAP_BASELINE: 'AUTH=XOAUTH' },
    'POSTERN_IMAP_BASELINE has AUTH=XOAUTH; did you mean AUTH=XOAUTH2? (Postern speaks AUTH=PLAIN, ' +
      'AUTH=LOGIN, AUTH=XOAUTH2, AUTH=OAUTHBEARER)',
  ],
  [
    { POSTERN_IMAP_BASELINE: 'AUTH=GSSAPI' },
    'POSTERN_IMAP_BASELINE has AUTH=GSSAPI; Postern speaks AUTH=PLAIN, AUTH=LOGIN, AUTH=XOAUTH2, ' +
      'AUTH=OAUTHBEARER',
  ],
  [
    { POSTERN_SUBMISSION_BASELINE: 'DSN,SIZE=36M' },
    'POSTERN_SUBMISSION_BASELINE has SIZE=36M, which is no size; write a number of bytes, as in ' +
      'SIZE=37748736',
  ],
  [
    { POSTERN_SUBMISSION_BASELINE: 'XCLIENT' },
    'POSTERN_SUBMISSION_BASELINE has XCLIENT, which is not for a setting to offer; leave it out',
  ],
  [
    { POSTERN_IMAP_BASELINE: 'IDLE,STARTTLS' },
    'POSTERN_IMAP_BASELINE has STARTTLS, which is not for a setting to offer; leave it out',
  ],
  [
    { POSTERN_PROTOCOLS: 'imaps,nntp' },
    'POSTERN_PROTOCOLS has "nntp"; write one of imaps, imap, pop3s, pop3, managesieve, submission, ' +
      'submissions',
  ],
  [
    { POSTERN_PRESET: 'exchange2010' },
    'POSTERN_PRESET has "exchange2010"; did you mean exchange-2010? (write one of generic, ' +
      'exchange-2010, exchange, dovecot-dsync, dovecot-shared, cyrus, stalwart)',
  ],
  [
    { POSTERN_LISTEN_ADDRESS: '0.0.0.0,10.1.0.10' },
    'POSTERN_IMAPS_PORT takes port 993 of one address twice: POSTERN_LISTEN_ADDRESS has all ' +
      'addresses and one of them; give each listener its own address or port',
  ],
];

test.each(faults)('a problem names its setting and the mend: %j', (changes, problem) => {
  expect(problemsOf(changes)).toEqual([problem]);
});

test.each(['tls', 'imap', 'down-2'])('a server called %s would be a word of a setting', (name) => {
  const [problem] = problemsOf({ POSTERN_SERVERS: `ex1,ex-2,${name}` });
  expect(problem).toBe(
    `POSTERN_SERVERS has the name ${name}, and POSTERN_SERVER_${name.split('-')[0]?.toUpperCase()} ` +
      'begins settings of all servers; give that server another name',
  );
});

test('two servers whose names are written alike are told once', () => {
  const alike = problemsOf({ POSTERN_SERVERS: 'ex1,ex-2,e.x' }).filter((line) => line.includes('e.x'));
  expect(alike).toContain(
    'POSTERN_SERVERS has the name e.x; use letters, digits and "-" only; the full name goes into its _FQDN',
  );
  const collisions = problemsOf({ POSTERN_SERVERS: 'ex1,ex-2,ex_2' }).filter((line) =>
    line.includes('both written'),
  );
  expect(collisions).toEqual([
    'POSTERN_SERVERS has ex-2 and ex_2, which are both written POSTERN_SERVER_EX_2_ADDRESS; give ' +
      'one of them another name',
  ]);
});

test('all problems come at once', () => {
  expect(
    problemsOf({
      POSTERN_SERVER_EX1_ADDRESS: 'x',
      POSTERN_LOG_LEVEL: 'loud',
      POSTERN_FOO: '1',
      POSTERN_WORKERS: '0',
      POSTERN_TLS_CERT_PATH: '/etc/none',
    }),
  ).toHaveLength(5);
});

test('no problem shows a secret or the value of an unknown name', () => {
  const lines = problemsOf({
    POSTERN_AGENT_KEY: 'hunter2',
    POSTERN_AGENT_KEYS: 'hunter2',
    POSTERN_PROBE_ACCOUNTS: 'hunter2',
    POSTERN_TLS_KEY_PATH: undefined,
    POSTERN_TLS_KEY: 'hunter2',
  });
  expect(lines).toHaveLength(4);
  expect(lines.join('\n')).not.toContain('hunter2');
});

test('the site of the tests is right', () => {
  expect([problemsOf(site), files['/etc/cert.pem']]).toEqual([[], certificate]);
});

function noServers(): Env {
  return Object.fromEntries(
    Object.keys(site)
      .filter((name) => name.startsWith('POSTERN_SERVER_'))
      .map((name) => [name, undefined]),
  );
}
