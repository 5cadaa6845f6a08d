import { expect, test } from 'vitest';
import { findingKinds } from '#gateway/doctor/finding';
import { findingsOf } from '#gateway/doctor/findings';
import type { PortObservation, PortSeen, ServerObservation } from '#gateway/doctor/observation';
import type { EndReason } from '#model/end-reason';
import type { ServerId } from '#model/ids';
import { certificate, distrusted, now, port, server, site, usable } from './site.ts';

const day = 86_400_000;
const clear = { localAddress: '10.1.0.21', tlsVersion: '', cipherSuite: '', certificate: undefined };
const pin = `POSTERN_SERVER_EX1_TLS_PINS=${certificate.sha256}`;
const pinned = `POSTERN_SERVER_EX1_TLS_VERIFY=pin and ${pin}`;

test('nothing is said of a site in which everything is well', () => {
  expect(findingsOf(site())).toEqual([]);
});

// What was seen of one IMAP port; the finding's id, what it says, and a line of its mend.
test.each<[string, PortObservation, string, string, string]>([
  [
    'a port that refuses',
    unusable('connect_refused', 'refuses connections'),
    'unreachable',
    'ex1 imap refuses connections',
    'start imap at 10.1.0.11:993, or correct POSTERN_SERVER_EX1_IMAP_PORT',
  ],
  [
    'a port that takes no connection',
    unusable('connect_timeout', 'no connection within 2s'),
    'unreachable',
    'ex1 imap no connection within 2s',
    'let the gateway through to 10.1.0.11:993 (firewall, route), or correct POSTERN_SERVER_EX1_ADDRESS or ' +
      'POSTERN_SERVER_EX1_IMAP_PORT',
  ],
  [
    'a port that says nothing',
    unusable('greeting_timeout', 'no greeting within 5s'),
    'unreachable',
    'ex1 imap no greeting within 5s',
    "look at ex1's own log: it takes connections at 10.1.0.11:993 and serves none",
  ],
  [
    'a clear port that says nothing may wait for TLS',
    unusable('greeting_timeout', 'no greeting within 5s', { tls: 'starttls' }),
    'unreachable',
    'ex1 imap no greeting within 5s',
    'if that port speaks TLS from the first byte: POSTERN_SERVER_EX1_IMAP_TLS=implicit',
  ],
  [
    'a ManageSieve that says nothing',
    unusable('greeting_timeout', 'no greeting within 5s', { protocol: 'sieve', tls: 'starttls' }),
    'unreachable',
    'ex1 sieve no greeting within 5s',
    "look at ex1's own log: it takes connections at 10.1.0.11:993 and serves none",
  ],
  [
    'clear text where TLS should be',
    unusable('server_tls_failed', 'TLS failed: the server did not answer with TLS'),
    'tls-failed',
    'ex1 imap: TLS failed: the server did not answer with TLS',
    'if 10.1.0.11:993 begins in clear: POSTERN_SERVER_EX1_IMAP_TLS=starttls',
  ],
  [
    'old TLS',
    unusable('server_tls_failed', 'TLS failed: the server speaks neither TLS 1.2 nor TLS 1.3'),
    'tls-failed',
    'ex1 imap: TLS failed: the server speaks neither TLS 1.2 nor TLS 1.3',
    'switch on TLS 1.2 or 1.3 with ECDHE at the server; where it cannot, ' +
      'POSTERN_SERVER_EX1_TLS_PROFILE=compatible (TLS 1.2) or legacy (TLS 1.0)',
  ],
  [
    'old TLS that a profile would speak',
    unusable(
      'server_tls_failed',
      'TLS failed: ex1:993 offers only TLS 1.0 (TLS_RSA_WITH_AES_128_CBC_SHA); ' +
        'profile modern cannot connect; POSTERN_SERVER_EX1_TLS_PROFILE=legacy would',
    ),
    'tls-failed',
    'ex1 imap: TLS failed: ex1:993 offers only TLS 1.0 (TLS_RSA_WITH_AES_128_CBC_SHA); ' +
      'profile modern cannot connect; POSTERN_SERVER_EX1_TLS_PROFILE=legacy would',
    'POSTERN_SERVER_EX1_TLS_PROFILE=legacy',
  ],
  [
    'no STARTTLS',
    unusable('server_unexpected', 'offers no STARTTLS', { tls: 'starttls', port: 143 }),
    'no-starttls',
    'ex1 imap offers no STARTTLS',
    "switch on TLS at ex1: a certificate, and STARTTLS for the gateway's address",
  ],
  [
    'no way to log in',
    unusable(undefined, 'offers no LOGIN and no AUTH=PLAIN'),
    'baseline-missing',
    'ex1 imap offers no LOGIN and no AUTH=PLAIN',
    'switch it on at ex1, as its software has it',
  ],
  [
    'another protocol',
    unusable('server_unexpected', 'unexpected answer: an answer that does not fit: 220 mx'),
    'answers-amiss',
    'ex1 imap unexpected answer: an answer that does not fit: 220 mx',
    'look at what listens at 10.1.0.11:993: POSTERN_SERVER_EX1_IMAP_PORT',
  ],
  [
    'no descriptor left for a socket of ours',
    unusable('internal_error', 'no socket to reach 10.1.0.11:993: Too many open files'),
    'not-finished',
    'ex1 imap could not be asked: no socket to reach 10.1.0.11:993: Too many open files',
    'run it again',
  ],
  [
    'a port that had not answered in time',
    port({ seen: { is: 'unfinished' } }),
    'not-finished',
    'ex1 imap had not answered when the time was over',
    'run it again',
  ],
  [
    'a certificate for another name',
    distrusted('TLS failed: …', { isForName: false, names: ['old.corp.example', '*.corp.example'] }),
    'certificate-name',
    "ex1's certificate is for old.corp.example, *.corp.example, not for ex1.corp.example",
    'or, if that is its name: POSTERN_SERVER_EX1_FQDN=old.corp.example',
  ],
  [
    'a certificate without a name',
    distrusted('TLS failed: …', { isForName: false, names: [] }),
    'certificate-name',
    "ex1's certificate is for no name at all, not for ex1.corp.example",
    `or, to believe this very certificate: ${pinned}`,
  ],
  [
    'an unknown authority',
    distrusted("TLS failed: the server's certificate was issued by nobody among …", {}),
    'certificate-issuer',
    "ex1's certificate is signed by CN=Corp CA, which is none of our authorities",
    pin,
  ],
  [
    'a certificate that signed itself',
    distrusted("TLS failed: the server's certificate was issued by nobody among …", { isSelfSigned: true }),
    'certificate-issuer',
    "ex1's certificate is signed by itself (CN=Corp CA)",
    'or put that certificate into a PEM file: POSTERN_SERVER_EX1_TLS_CA_PATH=/etc/postern/ex1.pem',
  ],
  [
    'an expired certificate',
    distrusted('TLS failed: …', { notAfter: now - 2.5 * day }),
    'certificate-dates',
    "ex1's certificate ended 2 days ago",
    'renew it at the server',
  ],
  [
    'a certificate of tomorrow',
    distrusted('TLS failed: …', { notBefore: now + day }),
    'certificate-dates',
    "ex1's certificate begins only on 2026-11-26",
    'set the clocks of gateway and server right, or issue it anew',
  ],
  [
    'a certificate that is refused for another reason',
    distrusted("TLS failed: the server's certificate is not meant for servers", {}),
    'certificate-refused',
    "ex1: TLS failed: the server's certificate is not meant for servers",
    pin,
  ],
  [
    'a certificate with twenty days left',
    port({}, { standing: standing({ notAfter: now + 20.9 * day }) }),
    'certificate-ends',
    "ex1's certificate ends in 20 days",
    'renew it at the server',
  ],
  [
    'a baseline that is not all there',
    port({}, { lacks: ['offers no IDLE', 'offers no MOVE'] }),
    'baseline-missing',
    'ex1 imap offers no IDLE, MOVE',
    'switch it on at ex1, or take it out of POSTERN_IMAP_BASELINE',
  ],
  [
    'mynetworks that hold the gateway',
    port({ protocol: 'submission' }, { relays: true }),
    'relay-open',
    'ex1 would relay for 10.1.0.21 without a login',
    'take 10.1.0.21 out of mynetworks (Postfix, at ex1), and keep it out of every list of hosts that may ' +
      'relay',
  ],
  [
    'XCLIENT that is not taken',
    port({ protocol: 'submission', identity: 'xclient' }, { takesXclient: false }),
    'xclient-refused',
    'ex1 takes no XCLIENT for submission from 10.1.0.21',
    'Postfix, at ex1: smtpd_authorized_xclient_hosts = 10.1.0.21',
  ],
  [
    'V23: XCLIENT of submission that is left to the clients',
    port({ protocol: 'submission' }, { takesXclient: true }),
    'xclient-open',
    'ex1 takes XCLIENT from 10.1.0.21, and so from all who log in through it',
    'Postfix, at ex1: take 10.1.0.21 out of smtpd_authorized_xclient_hosts',
  ],
  [
    'XCLIENT that nobody uses',
    port({ protocol: 'sieve' }, { takesXclient: true }),
    'xclient-unused',
    'ex1 would take XCLIENT for managesieve from 10.1.0.21',
    'POSTERN_SERVER_EX1_IDENTITY=managesieve:xclient',
  ],
  [
    'an address that is translated on the way',
    port({ protocol: 'submission' }, { seenAddress: '203.0.113.9' }),
    'address-translated',
    'ex1 sees the gateway as 203.0.113.9; here it is 10.1.0.21',
    "name 203.0.113.9 in ex1's lists of addresses",
  ],
  [
    'a Dovecot that is not told the clients',
    port({}, { product: 'Dovecot' }),
    'one-address',
    'ex1 counts 10.1.0.21 for all users of imap',
    'POSTERN_SERVER_EX1_IDENTITY=imap:id',
  ],
])('%s is found', (_, seen, id, what, mend) => {
  const findings = findingsOf(site({ servers: [server({ ports: [seen] })] }));
  expect(findings.map((finding) => [finding.id, finding.what])).toEqual([[id, what]]);
  expect(findings[0]?.mend).toContain(mend);
});

test.each<[string, Partial<ServerObservation>]>([
  [
    'a certificate with 21 days left',
    { ports: [port({}, { standing: standing({ notAfter: now + 21 * day }) })] },
  ],
  [
    'a pinned certificate that ends tomorrow',
    { verify: 'pin', ports: [port({}, { standing: standing({ notAfter: now + day }) })] },
  ],
  ['a server in clear', { ports: [port({ tls: 'off' }, { standing: clear })] }],
  [
    'XCLIENT that is used',
    { ports: [port({ protocol: 'pop3', identity: 'xclient' }, { takesXclient: true })] },
  ],
  ['mail to strangers that is refused', { ports: [port({ protocol: 'submission' }, { relays: false })] }],
  ['a Dovecot that is told the clients', { ports: [port({ identity: 'id' }, { product: 'Dovecot' })] }],
])('%s is none', (_, changes) => {
  expect(findingsOf(site({ servers: [server(changes)] }))).toEqual([]);
});

test.each<[string, PortSeen]>([
  ['says nothing', unusable('greeting_timeout', 'no greeting within 5s').seen],
  ['offers no STARTTLS', unusable('server_unexpected', 'offers no STARTTLS').seen],
])('of a port that %s TLS from the first byte is advised, but not of ManageSieve', (_, seen) => {
  const mendsOf = (protocol: PortObservation['protocol']) =>
    findingsOf(site({ servers: [server({ ports: [port({ protocol, tls: 'starttls', seen })] })] }))
      .flatMap(({ mend }) => mend)
      .filter((line) => line.includes('implicit'));
  expect([mendsOf('pop3').length, mendsOf('submission').length, mendsOf('sieve').length]).toEqual([1, 1, 0]);
});

test.each<[string | null, PortObservation['protocol'], string[]]>([
  [null, 'imap', ['one-address']],
  [null, 'pop3', ['one-address']],
  [null, 'submission', []],
  ['Postfix', 'submission', []],
  ['Dovecot', 'submission', ['one-address']],
  ['Cyrus', 'imap', []],
])('with a Dovecot preset what calls itself %s in %s has the findings %j', (product, protocol, ids) => {
  const servers = [server({ ports: [port({ protocol }, { product, takesXclient: false })] })];
  expect(findingsOf(site({ preset: 'dovecot-shared', servers })).map(({ id }) => id)).toEqual(ids);
});

test.each<[PortObservation['protocol'], string | null, string]>([
  ['submission', null, 'Postfix, at ex1: smtpd_authorized_xclient_hosts = 10.1.0.21'],
  ['submission', 'Dovecot', 'Dovecot, at ex1: login_trusted_networks = 10.1.0.21'],
  ['pop3', null, 'Dovecot, at ex1: login_trusted_networks = 10.1.0.21'],
])('XCLIENT that %s of %s does not take is mended there', (protocol, product, line) => {
  const refused = port({ protocol, identity: 'xclient' }, { product, takesXclient: false });
  const [finding] = findingsOf(site({ servers: [server({ ports: [refused] })] }));
  expect([finding?.id, finding?.mend]).toEqual(['xclient-refused', [line]]);
});

test('V23: XCLIENT that is left to the clients is a fault, and PROXY tells the clients without it', () => {
  const ports = [port({ identity: 'id' }), port({ protocol: 'submission' }, { takesXclient: true })];
  const [finding] = findingsOf(site({ servers: [server({ ports })] }));
  expect(finding && findingKinds[finding.id].severity).toBe('fault');
  expect(finding?.mend[1]).toBe(
    'so that ex1 sees the clients all the same: a port there with smtpd_upstream_proxy_protocol = haproxy, ' +
      'and here POSTERN_SERVER_EX1_IDENTITY=imap:id,submission:proxy',
  );
});

test('what a front offers by itself is never missing in a baseline', () => {
  const capabilities = ['USER', 'RESP-CODES', 'AUTH-RESP-CODE', 'AUTH=PLAIN', 'STLS'];
  const servers = [server({ ports: [port({ protocol: 'pop3' }, { capabilities })] })];
  expect(findingsOf(site({ servers, baselines: { pop3: [] } }))).toEqual([]);
});

test("a server's list of identities to paste has what stands in force, but for the same protocol", () => {
  const ports = [
    port({ identity: 'id' }),
    port({ protocol: 'pop3', identity: 'proxy-v2' }),
    port({ protocol: 'submission', identity: 'proxy-v1' }, { relays: true }),
    port({ protocol: 'sieve' }, { takesXclient: true }),
  ];
  const lines = findingsOf(site({ servers: [server({ ports })] })).flatMap(({ mend }) => mend);
  const pasted = lines.flatMap((line) => /POSTERN_SERVER_EX1_IDENTITY=\S+$/.exec(line) ?? []);
  const imap = 'POSTERN_SERVER_EX1_IDENTITY=imap:id,pop3:proxy';
  expect(pasted).toEqual([`${imap},submission:xclient`, `${imap},submission:proxy-v1,managesieve:xclient`]);
});

test('a limit of logins keeps the identities of other protocols', () => {
  const ports = [port(), port({ protocol: 'submission', identity: 'xclient' })];
  const seen = server({ ports, logins: logins(2, undefined, [10, 11, 12]) });
  const [finding] = findingsOf(site({ servers: [seen] }));
  expect(finding?.mend).toContain('and here POSTERN_SERVER_EX1_IDENTITY=submission:xclient,imap:id');
});

test('a certificate that is wrong in three ways needs one round of mending', () => {
  const wrong = distrusted("the server's certificate was issued by nobody among …", {
    isForName: false,
    names: ['old.example'],
    notAfter: now - day,
  });
  expect(idsOf({ ports: [wrong] })).toEqual(['certificate-name', 'certificate-dates', 'certificate-issuer']);
});

test('a certificate that is not pinned is that, whatever else it is', () => {
  const wrong = distrusted('none of those pinned', { isForName: false, notAfter: now - day });
  expect(idsOf({ verify: 'pin', ports: [wrong] })).toEqual(['certificate-pin']);
});

test('a server that may show any certificate is offered the pin of the one it shows', () => {
  const [finding, ...others] = findingsOf(site({ servers: [server({ verify: 'any' })] }));
  expect([finding?.id, finding?.mend, others]).toEqual([
    'any-certificate',
    ['POSTERN_SERVER_EX1_TLS_VERIFY=pin', pin],
    [],
  ]);
});

test('one certificate on three ports is one finding, of all three protocols', () => {
  const wrong = distrusted('…', { isForName: false, names: [] });
  const ports = (['imap', 'pop3', 'sieve'] as const).map((protocol) => ({ ...wrong, protocol }));
  const [finding, ...others] = findingsOf(site({ servers: [server({ ports })] }));
  expect([finding?.protocols, others]).toEqual([['imap', 'pop3', 'sieve'], []]);
});

test('the worst comes first, whatever the order of the servers', () => {
  const servers = [
    server({ ports: [port({}, { takesXclient: true, standing: standing({ notAfter: now + day }) })] }),
    server({ server: 'ex2' as ServerId, ports: [unusable('connect_refused', 'refuses connections')] }),
  ];
  const severities = findingsOf(site({ servers })).map(({ id }) => findingKinds[id].severity);
  expect(severities).toEqual(['fault', 'warning', 'hint']);
});

test.each<[string, string, string]>([
  ['POSTERN_SERVER_TLS', 'passwords go to ex1 in clear', 'clear-passwords'],
  ['POSTERN_SERVERS', 'one server: there is nowhere to follow an active copy to', 'check-says'],
])('what check says of %s is repeated', (setting, hint, id) => {
  const [finding] = findingsOf(site({ warnings: [{ setting, hint }] }));
  expect([finding?.id, finding?.what]).toEqual([id, `${setting}: ${hint}`]);
});

const offered = ['IMAP4REV1', 'AUTH=XOAUTH2', 'IDLE'];

test('what all servers offer and the baseline lacks is named, as the line to paste', () => {
  const servers = [
    server({ ports: [port({}, { capabilities: offered })] }),
    server({ server: 'ex2' as ServerId, ports: [port({}, { capabilities: [...offered, 'MOVE'] })] }),
  ];
  const [finding, ...others] = findingsOf(site({ servers, baselines: { imap: ['IDLE'] } }));
  expect([finding?.id, finding?.mend, others]).toEqual([
    'baseline-could-grow',
    ['POSTERN_IMAP_BASELINE=IDLE,AUTH=XOAUTH2'],
    [],
  ]);
});

test('a protocol that clients are not offered has no baseline to grow', () => {
  const servers = [server({ ports: [port({}, { capabilities: offered })] })];
  expect(findingsOf(site({ servers, baselines: { pop3: [] } }))).toEqual([]);
});

test('where one server could not be asked nobody knows what all of them offer', () => {
  const servers = [
    server({ ports: [port({}, { capabilities: offered })] }),
    server({ server: 'ex2' as ServerId, ports: [unusable('connect_refused', 'refuses connections')] }),
  ];
  const findings = findingsOf(site({ servers, baselines: { imap: [] } }));
  expect(findings.map(({ id }) => id)).toEqual(['unreachable']);
});

test.each<[string, ServerObservation['logins'], string[]]>([
  ['all logins stood, refusals took the same time', logins(11, undefined, [2_010, 2_020, 2_900]), []],
  ['two of eleven stood', logins(2, 'NO [LIMIT] too many', [10, 11, 12]), ['connections-limited']],
  ['refusals took longer and longer', logins(11, undefined, [2_000, 6_000]), ['logins-slowed']],
  ['they had grown before', logins(11, undefined, [15_100]), ['logins-slowed']],
  ['nobody got in', { is: 'untold', why: 'no' }, ['not-finished']],
])('%s', (_, seen, ids) => {
  expect(idsOf({ ports: [port({ identity: 'id' })], logins: seen })).toEqual(ids);
});

test('a limit of logins is mended by telling the server its clients, or by raising it', () => {
  const seen = server({ logins: logins(2, 'NO [LIMIT] too many', [10, 11, 12]) });
  const [finding] = findingsOf(site({ servers: [seen] }));
  expect(finding?.what).toBe('ex1 let in 2 of 11 sessions that ann began at once: NO [LIMIT] too many');
  expect(finding?.mend).toEqual([
    'Dovecot, at ex1: login_trusted_networks = 10.1.0.21',
    'and here POSTERN_SERVER_EX1_IDENTITY=imap:id',
    'or Dovecot, at ex1: mail_max_userip_connections = 100 in protocol imap',
  ]);
});

test('Exchange 2010 gets commands for its connectors and limits, for all addresses of the gateway', () => {
  const ports = [port({ protocol: 'submission', port: 587 }), port(), port({ protocol: 'pop3' })];
  const findings = findingsOf(
    site({ preset: 'exchange-2010', servers: [server({ ports, sources: ['10.1.0.20', '10.1.0.21'] })] }),
  );
  expect(findings.map(({ id, mend }) => [id, ...mend])).toEqual([
    [
      'exchange-receive-connector',
      'New-ReceiveConnector -Name "Postern" -Server EX1 -Usage Custom -Bindings 0.0.0.0:587 ' +
        '-RemoteIPRanges 10.1.0.20,10.1.0.21 -AuthMechanism Tls,BasicAuth,BasicAuthRequireTLS ' +
        '-PermissionGroups ExchangeUsers',
      'Set-ReceiveConnector "EX1\\Postern" -MaxInboundConnectionPerSource Unlimited ' +
        '-MaxInboundConnectionPercentagePerSource 100 -MaxInboundConnection Unlimited ' +
        '-MessageRateSource User',
    ],
    [
      'exchange-connections',
      'Set-ImapSettings -Server EX1 -MaxConnections 25000 -MaxConnectionFromSingleIP 25000 ' +
        '-MaxConnectionsPerUser 40',
      'Invoke-Command EX1 { Restart-Service MSExchangeImap4 }',
    ],
    [
      'exchange-connections',
      'Set-PopSettings -Server EX1 -MaxConnections 25000 -MaxConnectionFromSingleIP 25000 ' +
        '-MaxConnectionsPerUser 40',
      'Invoke-Command EX1 { Restart-Service MSExchangePop3 }',
    ],
  ]);
});

test('later Exchange has a transport role, and no bound of connections to raise', () => {
  const ports = [port({ protocol: 'submission', port: 587 }), port()];
  const findings = findingsOf(site({ preset: 'exchange', servers: [server({ ports })] }));
  expect(findings[0]?.mend[0]).toContain('-Server EX1 -TransportRole FrontendTransport -Usage Custom');
  expect(findings[1]?.mend[0]).toBe(
    'Set-ImapSettings -Server EX1 -MaxConnectionFromSingleIP 2147483647 -MaxConnectionsPerUser 40',
  );
});

function idsOf(changes: Partial<ServerObservation>): string[] {
  return findingsOf(site({ servers: [server(changes)] })).map(({ id }) => id);
}

function unusable(
  reason: EndReason | undefined,
  why: string,
  changes: Partial<PortObservation> = {},
): PortObservation {
  const seen: PortSeen = { is: 'unusable', reason, why, standing: undefined };
  return port({ ...changes, seen });
}

function standing(changes: Partial<typeof certificate>) {
  return { ...usable.standing, certificate: { ...certificate, ...changes } };
}

function logins(
  stood: number,
  refusal: string | undefined,
  failuresMs: number[],
): ServerObservation['logins'] {
  return { is: 'seen', user: 'ann', tried: 11, stood, refusal, failuresMs };
}
