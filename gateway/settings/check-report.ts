/** What `postern check` shows: every setting with its value, where it came from, and what to think of it. */
import { fitToDescriptors } from './descriptors.ts';
import { parseSettings } from './parse.ts';
import type { Problem } from './problem.ts';
import { readSources } from './sources.ts';
import type { Found } from './sources.ts';
import type { KnownName } from './names.ts';
import type { Settings } from './settings.ts';
import type { Env, Surroundings } from './surroundings.ts';
import { tlsWarnings } from './tls-warnings.ts';

export interface CheckRow {
  readonly name: string;
  /** `***` for a secret, empty where nothing is set. */
  readonly value: string;
  /** `environment`, `file PATH`, `file POSTERN_ENV_PATH`, `preset NAME`, `default` or `not set`. */
  readonly source: string;
  readonly verdict: 'ok' | 'warning' | 'problem';
  /** What to do, or empty. */
  readonly hint: string;
}

/** All rows, and the problems again by themselves: none means that the gateway would start. */
export interface CheckReport {
  readonly rows: readonly CheckRow[];
  readonly problems: readonly Problem[];
}

/**
 * Rows in the table's order, then those of names that are no settings. A row per server's or database's own
 * setting that is set.
 */
export function checkReport(env: Env, surroundings: Surroundings): CheckReport {
  const sources = readSources(env, surroundings);
  const parsed = parseSettings(env, surroundings);
  const problems = 'problems' in parsed ? parsed.problems : [];
  const warnings =
    'settings' in parsed
      ? warningsOf(parsed.settings, surroundings, (name) => sources.found.has(name))
      : new Map<string, string>();
  const known = [...sources.known.values()].filter(
    ({ name, of }) =>
      of === undefined || sources.found.has(name) || problems.some(({ setting }) => setting === name),
  );
  const rows = known.map((name) => rowOf(name, { found: sources.found.get(name.name), problems, warnings }));
  const strangers = problems.filter(({ setting }) => !sources.known.has(bare(setting)));
  return { rows: [...rows, ...strangers.map(strangerRow)], problems };
}

interface Judged {
  readonly found: Found | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: ReadonlyMap<string, string>;
}

function rowOf({ name, row }: KnownName, { found, problems, warnings }: Judged): CheckRow {
  const own = problems.filter(({ setting }) => bare(setting) === name);
  const value = found === undefined ? '' : row.type.is === 'secret' ? '***' : found.text;
  const source =
    found?.source ?? (row.defaultWords === undefined ? 'not set' : `default: ${row.defaultWords}`);
  if (own.length > 0) {
    return {
      name,
      value,
      source,
      verdict: 'problem',
      hint: own.map(({ problem, mend }) => `${problem}; ${mend}`).join('. '),
    };
  }
  const warning = warnings.get(name);
  return { name, value, source, verdict: warning === undefined ? 'ok' : 'warning', hint: warning ?? '' };
}

/** An unknown name's value is not shown: it may be a secret with a letter wrong. */
function strangerRow({ setting, problem, mend }: Problem): CheckRow {
  return { name: setting, value: '', source: 'environment', verdict: 'problem', hint: `${problem}; ${mend}` };
}

function bare(setting: string): string {
  return setting.replace(/_FILE$/, '');
}

/** Settings that work, and that somebody should know of. */
function warningsOf(
  settings: Settings,
  { descriptorsMax }: Surroundings,
  isSet: (name: string) => boolean,
): Map<string, string> {
  const warnings = tlsWarnings(settings, isSet);
  const { shortage } = fitToDescriptors(settings, descriptorsMax);
  if (shortage !== undefined) warnings.set('POSTERN_MAX_CONNECTIONS', shortage);
  if (settings.servers.some(({ protocols }) => protocols.submission?.identity === 'xclient')) {
    warnings.set(
      'POSTERN_SERVER_IDENTITY',
      'submission:xclient: a client that has logged in can say XCLIENT to such a server, too, and name ' +
        'another user; submission:proxy does not open that way',
    );
  }
  if (settings.stateDir === undefined) {
    warnings.set('POSTERN_STATE_DIR', 'generations and admin states are lost at a restart');
  }
  if (settings.monitor.probeAccounts.length === 0) {
    warnings.set(
      'POSTERN_PROBE_ACCOUNTS',
      'a dismounted database on a server that is up is found only by its users',
    );
  }
  const { level, sessions } = settings.log;
  if (sessions && (level === 'warn' || level === 'error')) {
    warnings.set(
      'POSTERN_LOG_SESSIONS',
      `no session is logged: their lines are of info, and POSTERN_LOG_LEVEL is ${level}`,
    );
  }
  if (settings.trustedProxies.length > 0 && !settings.frontends.some(({ isProxied }) => isProxied)) {
    warnings.set(
      'POSTERN_TRUSTED_PROXIES',
      'no frontend is in POSTERN_PROXY_PROTOCOL: nobody is asked for a header',
    );
  }
  if (settings.servers.length === 1) {
    warnings.set('POSTERN_SERVERS', 'one server: there is nowhere to follow an active copy to');
  }
  if (settings.directoryPath === undefined) {
    warnings.set('POSTERN_DIRECTORY_PATH', 'no mailbox has a database of its own');
  }
  return warnings;
}
