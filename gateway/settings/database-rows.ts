/** The settings of databases, and of who says where they are. */
import { type SettingRow, durations, row } from './setting-row.ts';

const { hour, minute, second } = durations;

export const databaseRows: readonly SettingRow[] = [
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
