/** From the settings to what the engine and the workers are started with. PURE. */
import type { EngineConfig, EngineEndpoint, FrontendSetup, Words } from '#native';
import type { Trust } from '#gateway/routing/publish';
import type { CertificateText } from '#gateway/settings/certificates';
import type { FrontendSettings, ListenAddress, ServerSettings, Settings } from '#gateway/settings/settings';
import type { WorkerConfig } from '#model/messages';
import { type LoginProtocol, type Protocol, protocolCodes } from '#model/protocol';
import { identityHeaderOf } from '#model/identity-header';

/**
 * The engine's configuration; `wordsOf` gives what a protocol's clients are told when the engine ends them.
 */
export function engineConfigOf(
  settings: Settings,
  certificates: readonly CertificateText[],
  wordsOf: (protocol: Protocol) => Words[],
): EngineConfig {
  const { limits, monitor } = settings;
  return {
    ioThreads: settings.ioThreads,
    workers: settings.workers,
    limits: {
      ...framing,
      connectionsMax: limits.connectionsMax,
      connectionsPerAddressMax: limits.connectionsPerAddressMax,
      preambleTimeoutMs: limits.preambleTimeoutMs,
      connectTimeoutMs: monitor.connectTimeoutMs,
      loginAttemptsMax: limits.loginAttemptsMax,
      loginDelayMaxMs: limits.loginDelayMaxMs,
      sessionsPerMailboxMax: limits.sessionsPerMailboxMax,
    },
    frontends: settings.frontends.map((frontend) => frontendOf(frontend, wordsOf)),
    certificates: [...certificates],
    trustedProxies: [...settings.trustedProxies],
    sourceAddresses: [...settings.sourceAddresses],
  };
}

/** What each worker is told. */
export function workerConfigOf(settings: Settings): WorkerConfig {
  return {
    frontends: settings.frontends.map(({ name, protocol, tls, baseline }) => ({
      name,
      protocol,
      tls,
      baseline,
    })),
    loginAttemptsMax: settings.limits.loginAttemptsMax,
    holdForMs: settings.holdForMs,
    loginTimeoutMs,
    greetingTimeoutMs: settings.monitor.greetingTimeoutMs,
    hostname: settings.hostname,
  };
}

/**
 * Where a monitor asks a server: the same address and the same checks as a session's. Undefined for a
 * protocol that the server is not asked for.
 */
export function endpointOf(server: ServerSettings, protocol: LoginProtocol): EngineEndpoint | undefined {
  const port = server.protocols[protocol];
  if (port === undefined) return undefined;
  return {
    protocol: protocolCodes[protocol],
    address: server.address,
    port: port.port,
    tls: port.tls,
    tlsName: server.fqdn,
    ...trustOf(server),
    proxy: identityHeaderOf(port.identity),
  };
}

/** What makes a server's TLS good enough, as the engine takes it. */
export function trustOf({ trust: { profile, verify, caPem, pins } }: ServerSettings): Trust {
  return { profile, verify, caPem, pins: [...pins] };
}

/** `[::1]:2993`, `127.0.0.1:2993`. */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function frontendOf(frontend: FrontendSettings, wordsOf: (protocol: Protocol) => Words[]): FrontendSetup {
  return {
    name: frontend.name,
    protocol: protocolCodes[frontend.protocol],
    listeners: frontend.listeners.map(formatAddress),
    tls: frontend.tls,
    tlsProfile: frontend.tlsProfile,
    proxyProtocol: frontend.isProxied,
    alpn: [alpnNames[frontend.protocol]],
    idleTimeoutMs: frontend.idleTimeoutMs,
    words: wordsOf(frontend.protocol),
  };
}

/** A server that judges a password by a slow directory of its own may take half a minute (F07). */
const loginTimeoutMs = 60_000;

/** What one client may send before it is known, and how long its handshake may take. */
const framing = {
  /** Thirty pairs of ID (RFC 2971) are 33 KB on one line (V30); so may be a token of OAuth with SASL-IR. */
  lineBytesMax: 64 * 1024,
  /** A SASL token of Kerberos or OAuth; a name or a password is far below (V28). */
  literalBytesMax: 64 * 1024,
  /** All attempts of one connection with their tokens, and thirty pairs of ID (V30). */
  preambleBytesMax: 256 * 1024,
  tlsTimeoutMs: 10_000,
} as const;

/**
 * What a client may ask for by ALPN (RFC 7301); one that asks for other protocols only is refused (V10). All
 * but SMTP's are registered; `smtp` is what mail programs send that send one.
 */
const alpnNames: Readonly<Record<LoginProtocol, string>> = {
  imap: 'imap',
  pop3: 'pop3',
  sieve: 'managesieve',
  submission: 'smtp',
};
