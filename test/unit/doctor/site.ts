/** A site in which everything is well, as the doctor would see it; tests change one thing. */
import type { ServerId } from '#model/ids';
import type {
  CertificateFacts,
  PortObservation,
  ServerObservation,
  SiteObservation,
  UsablePort,
} from '#gateway/doctor/observation';

export const now = Date.parse('2026-11-25T12:00:00Z');
const day = 86_400_000;

export const certificate: CertificateFacts = {
  subject: 'CN=ex1.corp.example',
  issuer: 'CN=Corp CA',
  names: ['ex1.corp.example'],
  isForName: true,
  isSelfSigned: false,
  notBefore: now - 30 * day,
  notAfter: now + 60 * day,
  sha256: 'ab'.repeat(32),
};

export const usable: UsablePort = {
  is: 'usable',
  tookMs: 12,
  standing: {
    localAddress: '10.1.0.21',
    tlsVersion: 'TLSv1.3',
    cipherSuite: 'TLS_AES_128_GCM_SHA256',
    certificate,
  },
  distrust: undefined,
  capabilities: ['IMAP4REV1', 'ID'],
  lacks: [],
  product: null,
  seenAddress: null,
  takesXclient: 'untold',
  relays: 'untold',
};

export function port(
  changes: Partial<PortObservation> = {},
  seen: Partial<UsablePort> = {},
): PortObservation {
  return {
    protocol: 'imap',
    port: 993,
    tls: 'implicit',
    identity: 'none',
    seen: { ...usable, ...seen },
    ...changes,
  };
}

/** A certificate with changes, on a port whose server is not believed for this reason. */
export function distrusted(distrust: string, changes: Partial<CertificateFacts>): PortObservation {
  return port(
    {},
    { distrust, standing: { ...usable.standing, certificate: { ...certificate, ...changes } } },
  );
}

export function server(changes: Partial<ServerObservation> = {}): ServerObservation {
  return {
    server: 'ex1' as ServerId,
    address: '10.1.0.11',
    fqdn: 'ex1.corp.example',
    sources: [],
    verify: 'ca',
    ports: [port()],
    logins: { is: 'unasked' },
    ...changes,
  };
}

export function site(changes: Partial<SiteObservation> = {}): SiteObservation {
  return { preset: 'generic', baselines: {}, servers: [server()], warnings: [], at: now, ...changes };
}
