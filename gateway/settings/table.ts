/**
 * Every setting, one row each: the names are a contract with those who write configurations and never change.
 *
 * The parser, `postern check` and docs/settings.md all come from these rows. Where a default differs between
 * families of servers it stands in presets.ts; what must hold between settings is checked in parse.ts.
 */
import { presetNames } from './presets.ts';

/** What a value is, and how it is written. */
export type SettingType =
  | { readonly is: 'duration'; readonly minMs: number; readonly maxMs: number }
  | { readonly is: 'whole'; readonly min: number; readonly max: number }
  | { readonly is: 'flag' }
  | { readonly is: 'word'; readonly words: readonly string[] }
  | { readonly is: 'words'; readonly words: readonly string[] }
  | { readonly is: 'name' }
  | { readonly is: 'names' }
  | { readonly is: 'path' }
  | { readonly is: 'paths' }
  | { readonly is: 'address' }
  | { readonly is: 'addresses' }
  | { readonly is: 'addressPort' }
  | { readonly is: 'hostname' }
  | { readonly is: 'imapCapabilities' }
  | { readonly is: 'secret'; readonly lengthMin: number };

export interface SettingRow {
  /** `<NAME>` stands for a server's or a database's name in capitals. */
  readonly name: SettingName;
  readonly type: SettingType;
  /** As it would be written; undefined: none. */
  readonly byDefault: string | undefined;
  /** In words, where the default is worked out rather than written. */
  readonly defaultWords?: string;
  /** True: a server may have its own, as POSTERN_SERVER_<NAME>_ and the rest of the name. */
  readonly perServer?: boolean;
  /** True: SIGHUP applies a change without ending a session; else it needs a restart. */
  readonly isReloadable: boolean;
  readonly doc: string;
}

export type SettingName = `POSTERN_${string}`;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const port = { is: 'whole', min: 0, max: 65535 } as const;
const serverPort = { is: 'whole', min: 1, max: 65535 } as const;

const serverRows: readonly SettingRow[] = [
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
      'POSTERN_SERVER_IMAP_PORT',
      serverPort,
      undefined,
      'The port of IMAP on a server.',
      '993, or 143 unless POSTERN_SERVER_TLS is implicit',
    ),
    perServer: true,
  },
  {
    ...row(
      'POSTERN_SERVER_IDENTITY',
      { is: 'words', words: ['imap:id', 'none'] },
      'none',
      'How a server is told the address of the client: `imap:id` sends IMAP ID with ' +
        'x-originating-ip. Only for a server that is configured to believe it from this gateway.',
    ),
    perServer: true,
  },
  row(
    'POSTERN_SERVER_DOWN_SESSIONS',
    { is: 'word', words: ['end', 'keep'] },
    'end',
    'What becomes of the sessions on a server that is found down.',
  ),
];

const databaseRows: readonly SettingRow[] = [
  row(
    'POSTERN_DATABASES',
    { is: 'names' },
    undefined,
    'The names of the databases, as the directory and the copy sources call them (an Exchange ' +
      'database: its name or GUID). Databases that only a copy source names are served too.',
  ),
  row(
    'POSTERN_DATABASE_<NAME>_COPIES',
    { is: 'names' },
    undefined,
    'The servers with a copy of a database, the preferred first, as `status` and `whereis` show them. ' +
      'Where the copy is active is the word of the copy sources alone, also where they name another server.',
    'what the copy sources say',
  ),
  row(
    'POSTERN_DATABASE_<NAME>_MOVE_POLICY',
    { is: 'word', words: ['exclusive', 'sticky', 'free'] },
    undefined,
    'The move policy of one database.',
    'POSTERN_MOVE_POLICY',
  ),
  row(
    'POSTERN_DEFAULT_DATABASE',
    { is: 'name' },
    undefined,
    'The database of mailboxes that the directory lacks.',
    'none: such a mailbox is refused for a while (exclusive), or spread over the servers by a hash',
  ),
  row(
    'POSTERN_MOVE_POLICY',
    { is: 'word', words: ['exclusive', 'sticky', 'free'] },
    'exclusive',
    'What a move of the active copy does to sessions: `exclusive` ends those on the old server ' +
      'before new ones begin on the new; `sticky` leaves them, and sends new ones of a mailbox to where it ' +
      'has sessions; `free` leaves them, and sends new ones to the new server. Under each of them a server ' +
      'that is set to `drain` gets no new sessions and keeps those it has, and one that is set to ' +
      '`maintenance` loses those, too.',
  ),
  row(
    'POSTERN_MOVE_HOLD_FOR',
    { is: 'duration', minMs: 0, maxMs: 5 * minute },
    '35s',
    'How long a login waits for a database that is moving before the client is told to come again.',
  ),
  row(
    'POSTERN_DIRECTORY_PATH',
    { is: 'path' },
    undefined,
    'The file that says which mailbox is in which database. Watched.',
  ),
  row(
    'POSTERN_COPY_SOURCES',
    { is: 'words', words: ['agent', 'file'] },
    'agent',
    'Who says where the active copies are: `agent` the feed of the agents, `file` the file ' +
      'POSTERN_COPIES_PATH.',
  ),
  row(
    'POSTERN_COPIES_PATH',
    { is: 'path' },
    undefined,
    'The YAML or JSON file of the copy source `file`. Watched.',
  ),
  row(
    'POSTERN_AGENT_LISTEN',
    { is: 'addressPort' },
    undefined,
    'Where agents may post their feed besides the admin socket, such as `10.1.0.21:8453`. Needs ' +
      'POSTERN_AGENT_KEY.',
  ),
  row(
    'POSTERN_AGENT_KEY',
    { is: 'secret', lengthMin: 16 },
    undefined,
    'The token that agents send, 16 characters or more.',
  ),
  row(
    'POSTERN_CLAIM_STALE_AFTER',
    { is: 'duration', minMs: second, maxMs: hour },
    '15s',
    'How old the word of an agent may be. When all are older, the last known server is kept.',
  ),
];

const frontendRows: readonly SettingRow[] = [
  row('POSTERN_LISTEN_ADDRESS', { is: 'addresses' }, '0.0.0.0', 'The IP addresses that clients connect to.'),
  row(
    'POSTERN_PROTOCOLS',
    { is: 'words', words: ['imaps', 'imap'] },
    'imaps',
    'What is offered to clients: `imaps` TLS from the first byte, `imap` with STARTTLS, without ' +
      'which nobody can log in.',
  ),
  row('POSTERN_IMAPS_PORT', port, '993', 'The port of `imaps`; 0 takes a free one.'),
  row('POSTERN_IMAP_PORT', port, '143', 'The port of `imap`; 0 takes a free one.'),
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
    'POSTERN_IMAP_IDLE_TIMEOUT',
    { is: 'duration', minMs: minute, maxMs: 24 * hour },
    '31m',
    'How long an IMAP session may move no byte. RFC 9051 wants 30 minutes at least.',
  ),
  row(
    'POSTERN_IMAP_BASELINE',
    { is: 'imapCapabilities' },
    undefined,
    'IMAP capabilities that are offered before the login besides those of the preset, such as ' +
      '`AUTH=XOAUTH2,AUTH=LOGIN`: those that every server has. A server that lacks one is down for IMAP, ' +
      'and `status` names what it lacks. `AUTH=` is offered inside TLS only.',
    'those of the preset alone',
  ),
  row('POSTERN_HOSTNAME', { is: 'hostname' }, undefined, 'The name in greetings.', "the machine's name"),
];

const probeRows: readonly SettingRow[] = [
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

const limitRows: readonly SettingRow[] = [
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

const operationRows: readonly SettingRow[] = [
  row(
    'POSTERN_ADMIN_SOCKET',
    { is: 'path' },
    undefined,
    'The unix socket of the admin API, which the `postern` command uses.',
    'the first whose folder can be written: /run/postern/admin.sock, ' +
      '$XDG_RUNTIME_DIR/postern/admin.sock, one of the user in the temporary folder',
  ),
  row(
    'POSTERN_STATE_DIR',
    { is: 'path' },
    undefined,
    'The folder where generations and admin states outlast a restart.',
    'none: they are lost',
  ),
  row(
    'POSTERN_GOODBYE_RATE',
    { is: 'whole', min: 0, max: 100_000 },
    '200',
    'How many sessions a second are told goodbye when a server is set to `maintenance` or removed; 0 for ' +
      'all at once. Each comes back at once and logs in on another server, which checks a password ' +
      'for it: give less than what the other servers take. A move of an `exclusive` database, a server ' +
      'that died and `postern kick` do not wait for it.',
  ),
  row(
    'POSTERN_GOODBYE_WINDOW',
    { is: 'duration', minMs: 0, maxMs: 10 * minute },
    '30s',
    'How long a session that is told goodbye then may take to finish what is under way, a large message ' +
      'over a slow line above all. When it is over the session is ended: with `* BYE` where a response has ' +
      'just ended, without a word in the middle of one.',
  ),
  row(
    'POSTERN_DRAIN_TIMEOUT',
    { is: 'duration', minMs: 0, maxMs: hour },
    '30s',
    'How long sessions may go on when the gateway is stopped. They are told goodbye at ' +
      'POSTERN_GOODBYE_RATE, faster where half of this time would not be enough for all.',
  ),
  row(
    'POSTERN_LOG_LEVEL',
    { is: 'word', words: ['debug', 'info', 'warn', 'error'] },
    'info',
    'What is worth a line of the log. The lines of sessions (POSTERN_LOG_SESSIONS) are of `info`.',
  ),
  row('POSTERN_LOG_SESSIONS', { is: 'flag' }, 'true', 'Whether each session logs a line when it ends.'),
  row(
    'POSTERN_ENV_PATH',
    { is: 'path' },
    undefined,
    'A file of settings, `NAME=value` a line, read at the start and again at SIGHUP; it wins over' +
      ' the environment. A name set to nothing there counts as not set.',
  ),
];

/** The sections of docs/settings.md, in order. */
export const settingSections: readonly { readonly title: string; readonly rows: readonly SettingRow[] }[] = [
  { title: 'Servers', rows: serverRows },
  { title: 'Databases and where they are', rows: databaseRows },
  { title: 'Frontends', rows: frontendRows },
  { title: 'Probes', rows: probeRows },
  { title: 'Limits', rows: limitRows },
  { title: 'Operation', rows: operationRows },
];

export const settingRows: readonly SettingRow[] = settingSections.flatMap((section) => section.rows);

/** The row of a name, by the name in the table. */
export function settingRowOf(name: SettingName): SettingRow {
  const row = settingRows.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`broken invariant: no setting ${name}`);
  return row;
}

function row(
  ...[name, type, byDefault, doc, defaultWords]: [
    SettingName,
    SettingType,
    string | undefined,
    string,
    string?,
  ]
): SettingRow {
  return {
    name,
    type,
    byDefault,
    isReloadable: false,
    doc,
    ...(defaultWords === undefined ? {} : { defaultWords }),
  };
}

function live(...parts: Parameters<typeof row>): SettingRow {
  return { ...row(...parts), isReloadable: true };
}
