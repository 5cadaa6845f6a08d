/**
 * What SIGHUP does: reads the certificates anew, and says which other settings differ and need a restart.
 * A certificate that is refused changes nothing.
 */
import { type CertificateText, readCertificates } from '#gateway/settings/certificates';
import { formatProblem } from '#gateway/settings/problem';
import type { Settings } from '#gateway/settings/settings';
import type { ReadFile } from '#gateway/settings/surroundings';
import { faultWords } from '#lib/keep-going';
import type { Log } from '#lib/log';

export interface ReloadParts {
  readonly inForce: Settings;
  readonly next: Settings;
  readonly readFile: ReadFile;
  /** Throws in words where a certificate and its key don't match, maybe after some have been taken. */
  readonly setCertificates: (pairs: CertificateText[]) => void;
  readonly log: Log;
}

export function reload({ inForce, next, readFile, setCertificates, log }: ReloadParts): void {
  const read = readCertificates(next.tls.certificates, readFile);
  if ('problems' in read) {
    for (const problem of read.problems)
      log.error(`reload: the certificates stay: ${formatProblem(problem)}`);
  } else {
    try {
      setCertificates(read.pairs);
      log.info('reload: certificates read anew', { certificates: read.pairs.length });
    } catch (error) {
      // The clients' side may have taken what the agents' listener refused, so nothing is said of what
      // stays.
      log.error(`reload: the certificates were not taken everywhere: ${faultWords(error)}`);
    }
  }
  const changed = changedSettings(inForce, next);
  if (changed.length > 0) log.warn(`reload: a restart is needed for changes of ${changed.join('; ')}`);
}

/**
 * The settings that differ, by their names, but for the certificates. What several settings make is named
 * by all of them: which of them it was, is not kept.
 */
export function changedSettings(inForce: Settings, next: Settings): string[] {
  const before = new Map(partsOf(inForce));
  const changed = partsOf(next).filter(([name, value]) => textOf(value) !== textOf(before.get(name)));
  return changed.map(([name]) => settingNames.get(name) ?? name);
}

/** What is grouped in the settings, each by itself: `monitor.riseCount`. */
function partsOf(settings: Settings): [string, unknown][] {
  return Object.entries(settings).flatMap(([name, value]): [string, unknown][] => {
    if (name === 'tls') return [];
    if (!groups.includes(name)) return [[name, value]];
    return Object.entries(value as object).map(([part, held]) => [`${name}.${part}`, held]);
  });
}

const groups = ['agent', 'goodbye', 'monitor', 'limits', 'log'];
/** As settings/parse.ts makes them of the rows of settings/table.ts. */
const settingNames: ReadonlyMap<string, string> = new Map([
  ['servers', 'POSTERN_SERVERS, POSTERN_SERVER_*, POSTERN_PRESET'],
  ['databases', 'POSTERN_DATABASES, POSTERN_DATABASE_*'],
  ['movePolicy', 'POSTERN_MOVE_POLICY'],
  ['unknownMailbox', 'POSTERN_DEFAULT_DATABASE, POSTERN_MOVE_POLICY'],
  [
    'frontends',
    'POSTERN_PROTOCOLS, POSTERN_PROXY_PROTOCOL, POSTERN_LISTEN_ADDRESS, POSTERN_IMAP_*, POSTERN_IMAPS_PORT',
  ],
  ['trustedProxies', 'POSTERN_TRUSTED_PROXIES'],
  ['sourceAddresses', 'POSTERN_SOURCE_ADDRESSES'],
  ['directoryPath', 'POSTERN_DIRECTORY_PATH'],
  ['copySources', 'POSTERN_COPY_SOURCES'],
  ['copiesPath', 'POSTERN_COPIES_PATH'],
  ['agent.listen', 'POSTERN_AGENT_LISTEN'],
  ['agent.key', 'POSTERN_AGENT_KEY'],
  ['claimStaleAfterMs', 'POSTERN_CLAIM_STALE_AFTER'],
  ['holdForMs', 'POSTERN_MOVE_HOLD_FOR'],
  ['serverDownSessions', 'POSTERN_SERVER_DOWN_SESSIONS'],
  ['goodbye.perSecond', 'POSTERN_GOODBYE_RATE'],
  ['goodbye.windowMs', 'POSTERN_GOODBYE_WINDOW'],
  ['monitor.greetingIntervalMs', 'POSTERN_PROBE_INTERVAL'],
  ['monitor.loginIntervalMs', 'POSTERN_PROBE_LOGIN_INTERVAL'],
  ['monitor.riseCount', 'POSTERN_PROBE_RISE'],
  ['monitor.fallCount', 'POSTERN_PROBE_FALL'],
  ['monitor.connectTimeoutMs', 'POSTERN_CONNECT_TIMEOUT'],
  ['monitor.greetingTimeoutMs', 'POSTERN_GREETING_TIMEOUT'],
  ['monitor.probeAccounts', 'POSTERN_PROBE_ACCOUNTS'],
  ['limits.connectionsMax', 'POSTERN_MAX_CONNECTIONS'],
  ['limits.connectionsPerAddressMax', 'POSTERN_MAX_CONNECTIONS_PER_ADDRESS'],
  ['limits.preambleTimeoutMs', 'POSTERN_PREAMBLE_TIMEOUT'],
  ['limits.loginAttemptsMax', 'POSTERN_LOGIN_ATTEMPTS'],
  ['limits.loginDelayMaxMs', 'POSTERN_LOGIN_DELAY_MAX'],
  ['limits.sessionsPerMailboxMax', 'POSTERN_USER_MAX_SESSIONS'],
  ['workers', 'POSTERN_WORKERS'],
  ['ioThreads', 'POSTERN_IO_THREADS'],
  ['adminSocket', 'POSTERN_ADMIN_SOCKET'],
  ['stateDir', 'POSTERN_STATE_DIR'],
  ['drainTimeoutMs', 'POSTERN_DRAIN_TIMEOUT'],
  ['log.level', 'POSTERN_LOG_LEVEL'],
  ['log.sessions', 'POSTERN_LOG_SESSIONS'],
  ['hostname', 'POSTERN_HOSTNAME'],
]);

/** Secrets are compared by what they hold, and never leave this function. */
function textOf(value: unknown): string {
  return JSON.stringify(value, function revealed(this: unknown, key: string, text: unknown) {
    const held = (this as Record<string, unknown>)[key];
    const isSecret = typeof held === 'object' && held !== null && 'reveal' in held;
    return isSecret ? (held as { reveal(): string }).reveal() : text;
  });
}
