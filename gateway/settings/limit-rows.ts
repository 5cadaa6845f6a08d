/** The settings of probes and limits. */
import { type SettingRow, durations, row } from './setting-row.ts';

const { hour, minute, second } = durations;

export const probeRows: readonly SettingRow[] = [
  row(
    'POSTERN_PROBE_INTERVAL',
    { is: 'duration', minMs: 100, maxMs: 10 * minute },
    '2s',
    'How often each server is asked for its greeting.',
  ),
  row(
    'POSTERN_PROBE_LOGIN_INTERVAL',
    { is: 'duration', minMs: second, maxMs: hour },
    '15s',
    'How often each probe account logs in and selects its INBOX.',
  ),
  row(
    'POSTERN_PROBE_RISE',
    { is: 'whole', min: 1, max: 100 },
    '2',
    'Good probes in a row that bring a server up again.',
  ),
  row(
    'POSTERN_PROBE_FALL',
    { is: 'whole', min: 1, max: 100 },
    '3',
    'Bad probes in a row that take a server down.',
  ),
  row(
    'POSTERN_PROBE_ACCOUNTS',
    { is: 'secret', lengthMin: 1 },
    undefined,
    'A mailbox a database for the login probe: lines of database, user and password, white space ' +
      'between. They find a dismounted database on a server that is up.',
  ),
  row(
    'POSTERN_CONNECT_TIMEOUT',
    { is: 'duration', minMs: 100, maxMs: minute },
    '3s',
    'How long a server may take to accept a connection, TLS included.',
  ),
  row(
    'POSTERN_GREETING_TIMEOUT',
    { is: 'duration', minMs: 100, maxMs: 2 * minute },
    '5s',
    'How long a server may take to greet.',
  ),
];

export const limitRows: readonly SettingRow[] = [
  row(
    'POSTERN_MAX_CONNECTIONS',
    { is: 'whole', min: 1, max: 1_000_000 },
    '20000',
    'Client connections at a time; one more is refused. Each takes two open files, one towards the server: ' +
      'where the limit of open files is lower, fewer are taken, and `postern check` says how many.',
  ),
  row(
    'POSTERN_MAX_CONNECTIONS_PER_ADDRESS',
    { is: 'whole', min: 1, max: 1_000_000 },
    '1000',
    'Client connections at a time from one address. A large office may be one address.',
  ),
  row(
    'POSTERN_PREAMBLE_TIMEOUT',
    { is: 'duration', minMs: second, maxMs: 10 * minute },
    '60s',
    'How long a client may take to log in.',
  ),
  row(
    'POSTERN_LOGIN_ATTEMPTS',
    { is: 'whole', min: 1, max: 20 },
    '3',
    'Refused logins that one connection may have.',
  ),
  row(
    'POSTERN_LOGIN_DELAY_MAX',
    { is: 'duration', minMs: 0, maxMs: minute },
    '15s',
    'How long the answer to a wrong password is held back at the most; 0 for not at all. The second ' +
      'failure in a row of one client address, or of one mailbox, waits for a second, each further one for ' +
      'twice as long; every ten minutes half of them are forgotten. The right password never waits, and ' +
      'an address of POSTERN_TRUSTED_PROXIES that speaks for itself does not either.',
  ),
  row(
    'POSTERN_USER_MAX_SESSIONS',
    { is: 'whole', min: 1, max: 1_000_000 },
    '100',
    'Sessions at a time of one mailbox, over all protocols and servers; one more is refused. A mail ' +
      'program holds up to ten, and a person may have several.',
  ),
  row(
    'POSTERN_WORKERS',
    { is: 'whole', min: 1, max: 32 },
    undefined,
    'Threads that speak the protocols until the login.',
    'one for two processors',
  ),
  row(
    'POSTERN_IO_THREADS',
    { is: 'whole', min: 1, max: 32 },
    undefined,
    'Threads of the engine.',
    'one a processor, 16 at most',
  ),
];
