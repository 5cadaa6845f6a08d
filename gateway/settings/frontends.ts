/** What is offered to clients: frontends, where they listen, and their certificates. */
import type { LoginProtocol } from '#model/protocol';
import { presets } from './presets.ts';
import type { Part } from './part.ts';
import type { Problem } from './problem.ts';
import { proxiedFrontends } from './load-balancers.ts';
import { readCertificates } from './certificates.ts';
import type { SettingName } from './setting-row.ts';
import type { CertificatePaths, FrontendName, FrontendSettings, ListenAddress } from './settings.ts';
import { frontendProfiles } from './tls-profiles.ts';
import type { Values } from './values.ts';

/** One frontend a protocol of POSTERN_PROTOCOLS, each on every listen address. */
export function frontendSettings(part: Part): FrontendSettings[] {
  const { values, sources, problems } = part;
  const proxied = proxiedFrontends(part);
  const hosts = values.list('POSTERN_LISTEN_ADDRESS');
  const names = frontendNames(values);
  const profiles = frontendProfiles(part, names);
  const frontends = names.map((name): FrontendSettings => {
    const { protocol, tls, port: portSetting } = frontendKinds[name];
    const port = values.number(portSetting) ?? 0;
    const settings = protocolSettings[protocol];
    const own = presets[sources.preset].baselines[protocol] ?? [];
    return {
      name,
      protocol,
      tls,
      tlsProfile: profiles.get(name) ?? 'modern',
      listeners: hosts.map((host) => ({ host, port })),
      isProxied: proxied.has(name),
      idleTimeoutMs: values.number(settings.idleTimeout) ?? 0,
      baseline: [...new Set([...own, ...values.list(settings.baseline)])],
    };
  });
  const agent = values.addressPort('POSTERN_AGENT_LISTEN');
  problems.push(...sharedPorts(frontends, agent));
  return frontends;
}

/** The protocols that are offered to clients. */
export function offeredProtocols(values: Values): ReadonlySet<LoginProtocol> {
  return new Set(frontendNames(values).map((name) => frontendKinds[name].protocol));
}

function frontendNames(values: Values): FrontendName[] {
  return values.list('POSTERN_PROTOCOLS').filter((name): name is FrontendName => name in frontendKinds);
}

/** The certificates with their keys. They are read here only to tell early what is wrong. */
export function certificateSettings(part: Part): CertificatePaths[] {
  const { values, problems, surroundings } = part;
  const certificatePaths = values.list('POSTERN_TLS_CERT_PATH');
  const before = problems.length;
  problems.push(...certificateProblems(part));
  if (problems.length > before) return [];

  const key = values.secret('POSTERN_TLS_KEY');
  const keyPaths = values.list('POSTERN_TLS_KEY_PATH');
  const certificates = certificatePaths.map((certificatePath, index): CertificatePaths => {
    return key === undefined ? { certificatePath, keyPath: keyPaths[index] ?? '' } : { certificatePath, key };
  });
  const read = readCertificates(certificates, surroundings.readFile);
  if ('problems' in read) problems.push(...read.problems);
  return certificates;
}

function certificateProblems({ values }: Part): Problem[] {
  const certificates = values.list('POSTERN_TLS_CERT_PATH').length;
  const keys = values.list('POSTERN_TLS_KEY_PATH').length;
  const hasOwnKey = values.isSet('POSTERN_TLS_KEY');
  if (!values.isSet('POSTERN_TLS_CERT_PATH')) {
    return [
      {
        setting: 'POSTERN_TLS_CERT_PATH',
        problem: 'is not set',
        mend: 'name the PEM file of the certificate that clients see',
      },
    ];
  }
  if (hasOwnKey && values.isSet('POSTERN_TLS_KEY_PATH')) {
    return [
      {
        setting: 'POSTERN_TLS_KEY_PATH',
        problem: 'is set, and POSTERN_TLS_KEY too',
        mend: 'keep one of them',
      },
    ];
  }
  if (hasOwnKey && certificates > 1) {
    return [
      {
        setting: 'POSTERN_TLS_KEY',
        problem: `is one key for ${certificates} certificates`,
        mend: 'name one key file for each in POSTERN_TLS_KEY_PATH',
      },
    ];
  }
  if (!hasOwnKey && !values.isSet('POSTERN_TLS_KEY_PATH')) {
    return [
      {
        setting: 'POSTERN_TLS_KEY_PATH',
        problem: 'is not set',
        mend: 'name the PEM file of the key, or use POSTERN_TLS_KEY_FILE',
      },
    ];
  }
  if (!hasOwnKey && keys !== certificates && keys > 0 && certificates > 0) {
    return [
      {
        setting: 'POSTERN_TLS_KEY_PATH',
        problem: `names ${keys} keys for ${certificates} certificates`,
        mend: 'name one key file for each certificate, in the same order',
      },
    ];
  }
  return [];
}

function sharedPorts(frontends: readonly FrontendSettings[], agent: ListenAddress | undefined): Problem[] {
  const taken: { setting: string; at: ListenAddress }[] = [];
  const problems: Problem[] = [];
  const take = (setting: string, at: ListenAddress): void => {
    const earlier = taken.find((other) => overlap(other.at, at));
    if (earlier === undefined) taken.push({ setting, at });
    else if (!problems.some((problem) => problem.setting === setting))
      problems.push(portInUse(setting, earlier.setting, at));
  };
  for (const { name, listeners } of frontends) for (const at of listeners) take(frontendKinds[name].port, at);
  if (agent !== undefined) take('POSTERN_AGENT_LISTEN', agent);
  return problems;
}

/** Port 0 is a free one each time. An unspecified address takes the port of all addresses of its family. */
function overlap(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  if (a.host === b.host) return true;
  if (a.host.includes(':') !== b.host.includes(':')) return false;
  return [a, b].some(({ host }) => host === '0.0.0.0' || host === '::');
}

function portInUse(setting: string, earlier: string, { port }: ListenAddress): Problem {
  const problem =
    setting === earlier
      ? `takes port ${port} of one address twice: POSTERN_LISTEN_ADDRESS has all addresses and one of them`
      : `takes port ${port}, which ${earlier} takes too`;
  return { setting, problem, mend: 'give each listener its own address or port' };
}

interface FrontendKind {
  readonly protocol: LoginProtocol;
  readonly tls: FrontendSettings['tls'];
  readonly port: SettingName;
}

/** RFC 8314 section 7.3 and the registry of ports; ManageSieve has no TLS from the first byte (RFC 5804). */
const frontendKinds: Readonly<Record<FrontendName, FrontendKind>> = {
  imaps: { protocol: 'imap', tls: 'implicit', port: 'POSTERN_IMAPS_PORT' },
  imap: { protocol: 'imap', tls: 'starttls', port: 'POSTERN_IMAP_PORT' },
  pop3s: { protocol: 'pop3', tls: 'implicit', port: 'POSTERN_POP3S_PORT' },
  pop3: { protocol: 'pop3', tls: 'starttls', port: 'POSTERN_POP3_PORT' },
  managesieve: { protocol: 'sieve', tls: 'starttls', port: 'POSTERN_MANAGESIEVE_PORT' },
  submission: { protocol: 'submission', tls: 'starttls', port: 'POSTERN_SUBMISSION_PORT' },
  submissions: { protocol: 'submission', tls: 'implicit', port: 'POSTERN_SUBMISSIONS_PORT' },
};

interface ProtocolSettings {
  readonly idleTimeout: SettingName;
  readonly baseline: SettingName;
}

const protocolSettings: Readonly<Record<LoginProtocol, ProtocolSettings>> = {
  imap: { idleTimeout: 'POSTERN_IMAP_IDLE_TIMEOUT', baseline: 'POSTERN_IMAP_BASELINE' },
  pop3: { idleTimeout: 'POSTERN_POP3_IDLE_TIMEOUT', baseline: 'POSTERN_POP3_BASELINE' },
  sieve: { idleTimeout: 'POSTERN_MANAGESIEVE_IDLE_TIMEOUT', baseline: 'POSTERN_MANAGESIEVE_BASELINE' },
  submission: { idleTimeout: 'POSTERN_SUBMISSION_IDLE_TIMEOUT', baseline: 'POSTERN_SUBMISSION_BASELINE' },
};
