/** The settings of what is offered to clients. */
import { type SettingRow, durations, live, row } from './setting-row.ts';
import { tlsProfiles } from './profile-names.ts';

const { hour, minute } = durations;

const protocols = ['imaps', 'imap', 'pop3s', 'pop3', 'managesieve', 'submission', 'submissions'];

const port = { is: 'whole', min: 0, max: 65535 } as const;

export const frontendRows: readonly SettingRow[] = [
  row('POSTERN_LISTEN_ADDRESS', { is: 'addresses' }, '0.0.0.0', 'The IP addresses that clients connect to.'),
  row(
    'POSTERN_PROTOCOLS',
    { is: 'words', words: protocols },
    'imaps',
    'What is offered to clients. `imaps`, `pop3s` and `submissions` have TLS from the first byte; the ' +
      'others turn to TLS by STARTTLS or STLS, without which nobody can log in.',
  ),
  row('POSTERN_IMAPS_PORT', port, '993', 'The port of `imaps`; 0 takes a free one.'),
  row('POSTERN_IMAP_PORT', port, '143', 'The port of `imap`; 0 takes a free one.'),
  row('POSTERN_POP3S_PORT', port, '995', 'The port of `pop3s`; 0 takes a free one.'),
  row('POSTERN_POP3_PORT', port, '110', 'The port of `pop3`; 0 takes a free one.'),
  row('POSTERN_MANAGESIEVE_PORT', port, '4190', 'The port of `managesieve`; 0 takes a free one.'),
  row('POSTERN_SUBMISSION_PORT', port, '587', 'The port of `submission`; 0 takes a free one.'),
  row('POSTERN_SUBMISSIONS_PORT', port, '465', 'The port of `submissions`; 0 takes a free one.'),
  row(
    'POSTERN_PROXY_PROTOCOL',
    {
      is: 'words',
      words: ['imaps', 'imap', 'pop3s', 'pop3', 'managesieve', 'submission', 'submissions'],
    },
    undefined,
    'The frontends that clients reach by a load balancer which sends a PROXY header, of version 1 or 2. ' +
      'Each connection there must begin with one, ahead of TLS, and come from POSTERN_TRUSTED_PROXIES; ' +
      "limits, the choice of a worker, the log and what servers are told then go by the header's client. " +
      'It is never guessed whether there is a header: a client that comes past the load balancer is ' +
      'turned away.',
    'none',
  ),
  row(
    'POSTERN_TRUSTED_PROXIES',
    { is: 'networks' },
    undefined,
    'The load balancers whose PROXY headers are believed. Whoever is in it can call itself any client: ' +
      'name machines, not the networks that clients are in.',
    'none',
  ),
  live(
    'POSTERN_TLS_CERT_PATH',
    { is: 'paths' },
    undefined,
    'The PEM files of the certificates that clients see, each with its chain. The first is for ' +
      'clients that name no server.',
  ),
  live('POSTERN_TLS_KEY_PATH', { is: 'paths' }, undefined, 'The PEM files of their keys, in the same order.'),
  live(
    'POSTERN_TLS_KEY',
    { is: 'secret', lengthMin: 1 },
    undefined,
    'The key of the one certificate, PEM, in place of POSTERN_TLS_KEY_PATH; usually as POSTERN_TLS_KEY_FILE.',
  ),
  row(
    'POSTERN_TLS_PROFILE',
    {
      is: 'words',
      words: [
        ...tlsProfiles,
        ...protocols.flatMap((name) => tlsProfiles.map((profile) => `${name}:${profile}`)),
      ],
    },
    'modern',
    'The TLS that clients may speak, as in POSTERN_SERVER_TLS_PROFILE: one profile for all, and exceptions ' +
      'by frontend, such as `modern,submission:legacy` for an old scanner.',
  ),
  row(
    'POSTERN_IMAP_IDLE_TIMEOUT',
    { is: 'duration', minMs: minute, maxMs: 24 * hour },
    '31m',
    'How long an IMAP session may move no byte. RFC 9051 wants 30 minutes at least.',
  ),
  row(
    'POSTERN_IMAP_BASELINE',
    { is: 'capabilities', protocol: 'imap' },
    undefined,
    'IMAP capabilities that are offered before the login besides those of the preset, such as ' +
      '`AUTH=XOAUTH2,AUTH=LOGIN`: those that every server has. A server that lacks one is down for IMAP, ' +
      'and `status` names what it lacks. `AUTH=` is offered inside TLS only.',
    'those of the preset alone',
  ),
  row(
    'POSTERN_POP3_IDLE_TIMEOUT',
    { is: 'duration', minMs: minute, maxMs: 24 * hour },
    '11m',
    'How long a POP3 session may move no byte. RFC 1939 wants 10 minutes at least.',
  ),
  row(
    'POSTERN_POP3_BASELINE',
    { is: 'capabilities', protocol: 'pop3' },
    undefined,
    'What POP3 offers in CAPA before the login besides what the preset gives, such as ' +
      '`AUTH=XOAUTH2,EXPIRE=NEVER`: what every server has. A server that lacks one is down for POP3, and ' +
      '`status` names what it lacks. `AUTH=`, and USER, are offered inside TLS only.',
    'that of the preset alone',
  ),
  row(
    'POSTERN_MANAGESIEVE_IDLE_TIMEOUT',
    { is: 'duration', minMs: minute, maxMs: 24 * hour },
    '31m',
    'How long a ManageSieve session may move no byte. RFC 5804 wants 30 minutes at least.',
  ),
  row(
    'POSTERN_MANAGESIEVE_BASELINE',
    { is: 'capabilities', protocol: 'sieve' },
    undefined,
    'What ManageSieve offers before the login besides what the preset gives: what every server has. A ' +
      'Sieve extension is written `SIEVE=ENOTIFY`, a way to notify `NOTIFY=MAILTO`. A server that lacks ' +
      'one is down for ManageSieve, and `status` names what it lacks. `AUTH=` is offered inside TLS only.',
    'that of the preset alone',
  ),
  row(
    'POSTERN_SUBMISSION_IDLE_TIMEOUT',
    { is: 'duration', minMs: minute, maxMs: 24 * hour },
    '11m',
    'How long a submission session may move no byte. RFC 5321 wants 5 minutes at least, and 10 for the ' +
      'answer to a message.',
  ),
  row(
    'POSTERN_SUBMISSION_BASELINE',
    { is: 'capabilities', protocol: 'submission' },
    undefined,
    'What submission offers in EHLO before the login besides what the preset gives, such as ' +
      '`DSN,AUTH=XOAUTH2`: what every server has. `SIZE=37748736` offers that size, which no server ' +
      'may be below; else SIZE stands without a number, and the server says what is too large. A server ' +
      'that lacks one is down for submission, and `status` names what it lacks. `AUTH=` is offered ' +
      'inside TLS only.',
    'that of the preset alone',
  ),
  row('POSTERN_HOSTNAME', { is: 'hostname' }, undefined, 'The name in greetings.', "the machine's name"),
];
