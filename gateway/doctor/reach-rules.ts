/** Ports that no session would get through: not reached, no TLS, or no sense in the answers. PURE. */
import { serverSetting } from '#gateway/settings/env-name';
import type { Finding, FindingId } from './finding.ts';
import { portSetting } from './mend.ts';
import type { PortObservation, PortSeen, ServerObservation } from './observation.ts';

export function reachFindings(server: ServerObservation, port: PortObservation): Finding[] {
  const { seen } = port;
  if (seen.is === 'usable') return [];
  const name = `${server.server} ${port.protocol}`;
  const finding = (id: FindingId, what: string, mend: readonly string[]): Finding[] => [
    { id, server: server.server, protocols: [port.protocol], what, mend },
  ];
  if (seen.is === 'unfinished') {
    return finding('not-finished', `${name} had not answered when the time was over`, ['run it again']);
  }
  const { why } = seen;
  switch (kindOf(port, seen)) {
    case 'unasked':
      return finding('not-finished', `${name} could not be asked: ${why}`, ['run it again']);
    case 'unreachable':
      return finding('unreachable', `${name} ${why}`, unreachedMends(server, port, seen.reason));
    case 'tls':
      return finding('tls-failed', `${name}: ${why}`, tlsMends(server, port, why));
    case 'starttls':
      return finding('no-starttls', `${name} ${why}`, startTlsMends(server, port));
    case 'offer':
      return finding('baseline-missing', `${name} ${why}`, [
        `switch it on at ${server.server}, as its software has it`,
      ]);
    case 'answer':
      return finding('answers-amiss', `${name} ${why}`, [
        `look at what listens at ${at(server, port)}: ${portSetting(server.server, port.protocol, 'PORT')}`,
      ]);
  }
}

type Unusable = Extract<PortSeen, { is: 'unusable' }>;

function kindOf(
  { tls }: PortObservation,
  { reason, why }: Unusable,
): 'unasked' | 'unreachable' | 'tls' | 'starttls' | 'offer' | 'answer' {
  switch (reason) {
    case 'internal_error':
      return 'unasked';
    case 'connect_refused':
    case 'connect_timeout':
    case 'connect_failed':
    case 'greeting_timeout':
    case 'login_timeout':
    case 'server_left':
    case 'server_reset':
      return 'unreachable';
    case 'server_tls_failed':
      return 'tls';
    default:
      if (tls === 'starttls' && /^offers no (STARTTLS|STLS)\b/i.test(why)) return 'starttls';
      return why.startsWith('offers no ') ? 'offer' : 'answer';
  }
}

function unreachedMends(
  server: ServerObservation,
  port: PortObservation,
  reason: Unusable['reason'],
): string[] {
  const portName = portSetting(server.server, port.protocol, 'PORT');
  const addressName = serverSetting(server.server, 'ADDRESS');
  switch (reason) {
    case 'connect_refused':
      return [`start ${port.protocol} at ${at(server, port)}, or correct ${portName}`];
    case 'connect_timeout':
    case 'connect_failed':
      return [
        `let the gateway through to ${at(server, port)} (firewall, route), or correct ${addressName} ` +
          `or ${portName}`,
      ];
    default:
      return [
        `look at ${server.server}'s own log: it takes connections at ${at(server, port)} and serves none`,
        ...(mayBeImplicit(port) && port.tls !== 'implicit' ? [implicitMend(server, port)] : []),
      ];
  }
}

/** ManageSieve has no TLS from the first byte (RFC 5804), and its setting takes no such word. */
function mayBeImplicit({ protocol }: PortObservation): boolean {
  return protocol !== 'sieve';
}

function implicitMend({ server }: ServerObservation, { protocol }: PortObservation): string {
  return `if that port speaks TLS from the first byte: ${portSetting(server, protocol, 'TLS')}=implicit`;
}

/** Other settings where the port speaks clear text or a profile would do, else the server's own TLS. */
function tlsMends(server: ServerObservation, port: PortObservation, why: string): string[] {
  if (/did not answer with TLS/.test(why)) {
    return [
      `if ${at(server, port)} begins in clear: ${portSetting(server.server, port.protocol, 'TLS')}=starttls`,
    ];
  }
  // The monitors' words may name the setting that would connect.
  const [setting] = /POSTERN_\w+_TLS_PROFILE=\w+/.exec(why) ?? [];
  if (setting !== undefined) return [setting, 'better, switch on TLS 1.2 with ECDHE at the server'];
  return [
    'switch on TLS 1.2 or 1.3 with ECDHE at the server; where it cannot, ' +
      `${serverSetting(server.server, 'TLS_PROFILE')}=compatible (TLS 1.2) or legacy (TLS 1.0)`,
  ];
}

function startTlsMends(server: ServerObservation, port: PortObservation): string[] {
  return [
    `switch on TLS at ${server.server}: a certificate, and STARTTLS for the gateway's address`,
    ...(mayBeImplicit(port)
      ? [
          `or, where it has a port with TLS from the first byte: ` +
            `${portSetting(server.server, port.protocol, 'TLS')}=implicit`,
        ]
      : []),
  ];
}

function at({ address }: ServerObservation, { port }: PortObservation): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
