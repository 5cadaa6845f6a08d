/** The settings of running the gateway. */
import { type SettingRow, durations, row } from './setting-row.ts';

const { hour, minute } = durations;

export const operationRows: readonly SettingRow[] = [
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
      'over a slow line above all. When it is over the session is ended: with the last words of its ' +
      'protocol where a response has just ended, without a word in the middle of one. A message that was ' +
      'handed in is waited for 30 seconds more.',
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
