/** The settings of servers: how each is reached and believed. */
import { presetNames } from './presets.ts';
import { type SettingRow, row } from './setting-row.ts';
import { tlsProfiles } from './profile-names.ts';

const serverPort = { is: 'whole', min: 1, max: 65535 } as const;

/** The ports and the kind of TLS of the protocols beside IMAP. */
const portRows: readonly SettingRow[] = [
  {
    ...row(
      'POSTERN_SERVER_POP3_PORT',
      serverPort,
      undefined,
      'The port of POP3 on a server.',
      '995, or 110 unless POSTERN_SERVER_POP3_TLS is implicit',
    ),
    perServer: true,
  },
  {
    ...row('POSTERN_SERVER_MANAGESIEVE_PORT', serverPort, '4190', 'The port of ManageSieve on a server.'),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_SUBMISSION_PORT',
      serverPort,
      undefined,
      'The port of submission on a server.',
      '587, or 465 where POSTERN_SERVER_SUBMISSION_TLS is implicit',
    ),
    perServer: true,
  },
  ...(
    [
      ['IMAP', 'POSTERN_SERVER_TLS'],
      ['POP3', 'POSTERN_SERVER_TLS'],
      ['MANAGESIEVE', 'starttls, or off where POSTERN_SERVER_TLS is off'],
      ['SUBMISSION', 'starttls, or off where POSTERN_SERVER_TLS is off'],
    ] as const
  ).map(([protocol, byDefault]) => ({
    ...row(
      `POSTERN_SERVER_${protocol}_TLS`,
      {
        is: 'word',
        words: protocol === 'MANAGESIEVE' ? ['starttls', 'off'] : ['implicit', 'starttls', 'off'],
      },
      undefined,
      `How the connection to a server is encrypted for this protocol, where it is not as POSTERN_SERVER_TLS.`,
      byDefault,
    ),
    perServer: true,
  })),
];

export const serverRows: readonly SettingRow[] = [
  row(
    'POSTERN_PRESET',
    { is: 'word', words: presetNames },
    'generic',
    'The family of the servers: it sets the defaults of other settings.',
  ),
  row(
    'POSTERN_SERVERS',
    { is: 'names' },
    undefined,
    'The names of the servers, such as `ex1,ex2`; each is the `<NAME>` of its own settings, where' +
      ' `ex-1` is written `EX_1`.',
  ),
  row(
    'POSTERN_SERVER_<NAME>_ADDRESS',
    { is: 'address' },
    undefined,
    'The IP address of a server. A host name is refused, since a name that resolves anew would ' +
      'move mailboxes unseen.',
  ),
  row(
    'POSTERN_SERVER_<NAME>_FQDN',
    { is: 'hostname' },
    undefined,
    'The full name of a server: its certificate must carry it, and copy sources may call it by it' +
      ' or by its first label.',
  ),
  {
    ...row(
      'POSTERN_SERVER_WEIGHT',
      { is: 'whole', min: 0, max: 65535 },
      '100',
      'The share of the mailboxes without a database that a server gets.',
    ),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_TLS',
      { is: 'word', words: ['implicit', 'starttls', 'off'] },
      'implicit',
      'How the connection to a server is encrypted. `off` sends passwords in clear: only for a ' +
        'network that nobody else is on.',
    ),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_TLS_CA_PATH',
      { is: 'path' },
      undefined,
      'A PEM file of the authorities that may sign the certificate of a server.',
      'the public authorities',
    ),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_TLS_VERIFY',
      { is: 'word', words: ['ca', 'pin', 'any'] },
      'ca',
      'What makes the certificate of a server good enough. `ca`: it has the full name of the server and ' +
        'is signed by an authority of POSTERN_SERVER_TLS_CA_PATH. `pin`: it is one of ' +
        'POSTERN_SERVER_TLS_PINS, whatever name, issuer and dates it has. `any`: any will do, and who can ' +
        "answer in the server's place reads every password.",
    ),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_TLS_PINS',
      { is: 'pins' },
      undefined,
      'The certificates that a server may show, where POSTERN_SERVER_TLS_VERIFY is `pin`: a new one beside ' +
        'the old one while it is renewed.',
    ),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_TLS_PROFILE',
      { is: 'word', words: tlsProfiles },
      'modern',
      'The TLS that is spoken with a server. `modern`: TLS 1.2 and 1.3 with forward secrecy and AEAD. ' +
        '`compatible`: also suites with CBC and RSA key exchange (Exchange 2013 to 2016 on Windows 2012 ' +
        'R2). `legacy`: also TLS 1.0 and 1.1, and 3DES (Exchange 2010). The last two need a build with ' +
        'OpenSSL: `POSTERN_BUILD_OPENSSL=true npm run build`.',
    ),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_IMAP_PORT',
      serverPort,
      undefined,
      'The port of IMAP on a server.',
      '993, or 143 unless POSTERN_SERVER_TLS is implicit',
    ),
    perServer: true,
  },
  ...portRows,
  {
    ...row(
      'POSTERN_SERVER_IDENTITY',
      {
        is: 'words',
        words: [
          'none',
          'imap:id',
          ...['imap', 'pop3', 'managesieve', 'submission'].flatMap((protocol) => [
            ...(protocol === 'imap' ? [] : [`${protocol}:xclient`]),
            `${protocol}:proxy`,
            `${protocol}:proxy-v1`,
          ]),
        ],
      },
      'none',
      'How a server is told the address of the client, by protocol: `id` sends IMAP ID with ' +
        'x-originating-ip, `xclient` the command XCLIENT, `proxy` and `proxy-v1` a PROXY header of ' +
        'version 2 and 1. One for each protocol, and only where the server is configured to believe it ' +
        'from this gateway. PROXY comes ahead of TLS and needs a port of its own on the server (Dovecot: ' +
        "`haproxy = yes` and `haproxy_trusted_networks`). Without one of them the gateway's address is " +
        "every client's to the server: never list it among the addresses that a server trusts by " +
        "themselves, such as Postfix's `mynetworks`, or everybody may do what it may.",
    ),
    perServer: true,
  },
  row(
    'POSTERN_SOURCE_ADDRESSES',
    { is: 'addresses' },
    undefined,
    "This machine's addresses that servers are dialled from, in turn, by sessions and probes: where a " +
      'server bounds what one address may hold (Exchange: 20 connections of submission), or where the ' +
      '28,000 ports of one do not do. Each must be among those that the servers believe.',
    'what the system chooses',
  ),
  row(
    'POSTERN_SERVER_DOWN_SESSIONS',
    { is: 'word', words: ['end', 'keep'] },
    'end',
    'What becomes of the sessions on a server that is found down. Each protocol is down by itself: the ' +
      "sessions of a server's others go on.",
  ),
];
