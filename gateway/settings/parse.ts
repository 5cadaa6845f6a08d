/**
 * The settings from the environment: all of them checked, or every problem at once.
 *
 * Here is the order of the steps and what concerns no single part; names are judged in sources.ts, single
 * values in value.ts, and the parts in servers.ts, databases.ts, frontends.ts and copies.ts.
 */
import { chooseAdminSocket } from './admin-socket.ts';
import { copySettings } from './copies.ts';
import { databaseSettings } from './databases.ts';
import { certificateSettings, frontendSettings } from './frontends.ts';
import { probeAccounts } from './probe-accounts.ts';
import type { Part } from './part.ts';
import { formatProblem } from './problem.ts';
import type { Problem } from './problem.ts';
import { serverSettings } from './servers.ts';
import { sourceAddresses } from './source-addresses.ts';
import type { LimitSettings, MonitorSettings, Settings } from './settings.ts';
import { readSources } from './sources.ts';
import type { Env, Surroundings } from './surroundings.ts';
import { parseValues } from './values.ts';
import type { Values } from './values.ts';

export type SettingsParsed = { readonly settings: Settings } | { readonly problems: Problem[] };

/**
 * Reads the files that settings name (keys, authorities, POSTERN_ENV_PATH) through `surroundings`; touches
 * nothing else.
 */
export function parseSettings(env: Env, surroundings: Surroundings): SettingsParsed {
  const sources = readSources(env, surroundings);
  const { values, problems } = parseValues(sources);
  const settings = buildSettings({ values, sources, env, surroundings, problems });
  return problems.length > 0 ? { problems: oneEach(problems) } : { settings };
}

/** A setting of all servers that is wrong is found with each of them. */
function oneEach(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}

function buildSettings(part: Part): Settings {
  const { values, surroundings } = part;
  const servers = serverSettings(part);
  const { databases, movePolicy, unknownMailbox } = databaseSettings(part, servers);
  return {
    servers,
    databases,
    movePolicy,
    unknownMailbox,
    frontends: frontendSettings(part),
    trustedProxies: values.list('POSTERN_TRUSTED_PROXIES'),
    sourceAddresses: sourceAddresses(part, servers),
    tls: { certificates: certificateSettings(part) },
    ...copySettings(part),
    claimStaleAfterMs: numberOf(values, 'POSTERN_CLAIM_STALE_AFTER'),
    holdForMs: numberOf(values, 'POSTERN_MOVE_HOLD_FOR'),
    serverDownSessions: values.text('POSTERN_SERVER_DOWN_SESSIONS') === 'keep' ? 'keep' : 'end',
    goodbye: {
      perSecond: numberOf(values, 'POSTERN_GOODBYE_RATE'),
      windowMs: numberOf(values, 'POSTERN_GOODBYE_WINDOW'),
    },
    monitor: monitorSettings(
      part,
      databases.map(({ id }) => id),
    ),
    limits: limitSettings(values),
    workers:
      values.number('POSTERN_WORKERS') ?? Math.min(32, Math.max(1, Math.floor(surroundings.cpuCount / 2))),
    ioThreads: values.number('POSTERN_IO_THREADS') ?? Math.min(16, Math.max(1, surroundings.cpuCount)),
    adminSocket: values.text('POSTERN_ADMIN_SOCKET') ?? chooseAdminSocket(part.env, surroundings),
    stateDir: stateDir(part),
    drainTimeoutMs: numberOf(values, 'POSTERN_DRAIN_TIMEOUT'),
    log: { level: logLevel(values), sessions: values.flag('POSTERN_LOG_SESSIONS') ?? true },
    hostname: values.text('POSTERN_HOSTNAME') ?? surroundings.hostname,
  };
}

function monitorSettings(part: Part, databases: readonly string[]): MonitorSettings {
  const { values } = part;
  return {
    greetingIntervalMs: numberOf(values, 'POSTERN_PROBE_INTERVAL'),
    loginIntervalMs: numberOf(values, 'POSTERN_PROBE_LOGIN_INTERVAL'),
    riseCount: numberOf(values, 'POSTERN_PROBE_RISE'),
    fallCount: numberOf(values, 'POSTERN_PROBE_FALL'),
    connectTimeoutMs: numberOf(values, 'POSTERN_CONNECT_TIMEOUT'),
    greetingTimeoutMs: numberOf(values, 'POSTERN_GREETING_TIMEOUT'),
    probeAccounts: probeAccounts(part, databases),
  };
}

function limitSettings(values: Values): LimitSettings {
  const connectionsMax = numberOf(values, 'POSTERN_MAX_CONNECTIONS');
  return {
    connectionsMax,
    // More from one address than in all would be a limit that never acts.
    connectionsPerAddressMax: Math.min(
      connectionsMax,
      numberOf(values, 'POSTERN_MAX_CONNECTIONS_PER_ADDRESS'),
    ),
    preambleTimeoutMs: numberOf(values, 'POSTERN_PREAMBLE_TIMEOUT'),
    loginAttemptsMax: numberOf(values, 'POSTERN_LOGIN_ATTEMPTS'),
    loginDelayMaxMs: numberOf(values, 'POSTERN_LOGIN_DELAY_MAX'),
    sessionsPerMailboxMax: numberOf(values, 'POSTERN_USER_MAX_SESSIONS'),
  };
}

function stateDir({ values, surroundings, problems }: Part): string | undefined {
  const path = values.text('POSTERN_STATE_DIR');
  if (path !== undefined && !surroundings.isWritableFolder(path)) {
    problems.push({
      setting: 'POSTERN_STATE_DIR',
      problem: `names ${path}, which is no folder that this user can write`,
      mend: 'make the folder and give it to this user',
    });
  }
  return path;
}

function logLevel(values: Values): Settings['log']['level'] {
  const level = values.text('POSTERN_LOG_LEVEL');
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

/** A setting with a default: it is undefined only where it is a problem, and then no settings come out. */
function numberOf(values: Values, name: string): number {
  return values.number(name) ?? 0;
}
