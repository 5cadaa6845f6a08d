/**
 * The doctor's report: what `postern doctor --json` prints, and what the text is made of. docs/doctor.md
 * describes the shape; fields are added, never changed. PURE.
 */
import type { LoginProtocol } from '#model/protocol';
import { daysLeft } from './certificate-rules.ts';
import { type Finding, type FindingId, type Severity, findingKinds } from './finding.ts';
import { findingsOf } from './findings.ts';
import type { CertificateFacts, PortObservation, Standing } from './observation.ts';
import type { ServerObservation, SiteObservation } from './observation.ts';

export interface DoctorReport {
  /** The worst of all findings. */
  readonly worst: Severity | null;
  readonly findings: readonly FindingRow[];
  readonly servers: readonly ServerReport[];
}

export interface FindingRow {
  readonly id: FindingId;
  readonly severity: Severity;
  /** Null: it is about the whole site. */
  readonly server: string | null;
  readonly protocols: readonly LoginProtocol[];
  readonly what: string;
  readonly why: string;
  readonly mend: readonly string[];
}

export interface ServerReport {
  readonly server: string;
  readonly address: string;
  readonly ports: readonly PortReport[];
}

/** Null stands for what could not be seen. */
export interface PortReport {
  readonly protocol: LoginProtocol;
  readonly port: number;
  readonly tls: 'implicit' | 'starttls' | 'off';
  /** Whether sessions get through: reached, believed, and with all of the baseline. */
  readonly isGood: boolean;
  /** Why not; empty where they do. */
  readonly why: string;
  readonly tookMs: number | null;
  readonly localAddress: string | null;
  readonly seenAddress: string | null;
  readonly tlsVersion: string | null;
  readonly cipherSuite: string | null;
  readonly certificate: CertificateReport | null;
  readonly capabilities: readonly string[] | null;
  readonly takesXclient: boolean | null;
  readonly relays: boolean | null;
}

export interface CertificateReport {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days; negative where it has ended. */
  readonly daysLeft: number;
  readonly sha256: string;
}

/** The report of one visit; the findings are the rules'. */
export function reportOf(site: SiteObservation): DoctorReport {
  const findings = findingsOf(site).map(findingRow);
  return {
    worst: findings[0]?.severity ?? null,
    findings,
    servers: site.servers.map((server) => serverReport(server, site.at)),
  };
}

function findingRow({ id, server, protocols, what, mend }: Finding): FindingRow {
  const { severity, why } = findingKinds[id];
  return { id, severity, server: server ?? null, protocols, what, why, mend };
}

function serverReport({ server, address, ports }: ServerObservation, at: number): ServerReport {
  return { server, address, ports: ports.map((port) => portReport(port, at)) };
}

function portReport({ protocol, port, tls, seen }: PortObservation, at: number): PortReport {
  const usable = seen.is === 'usable' ? seen : undefined;
  const standing = seen.is === 'unfinished' ? undefined : seen.standing;
  const why = whyOf(seen);
  return {
    protocol,
    port,
    tls,
    isGood: why === '',
    why,
    tookMs: usable?.tookMs ?? null,
    ...standingReport(standing, at),
    seenAddress: usable?.seenAddress ?? null,
    capabilities: usable?.capabilities ?? null,
    takesXclient: told(usable?.takesXclient),
    relays: told(usable?.relays),
  };
}

function whyOf(seen: PortObservation['seen']): string {
  switch (seen.is) {
    case 'unfinished':
      return 'not finished';
    case 'unusable':
      return seen.why;
    case 'usable':
      return seen.distrust ?? seen.lacks.join(', ');
  }
}

function standingReport(
  standing: Standing | undefined,
  at: number,
): Pick<PortReport, 'localAddress' | 'tlsVersion' | 'cipherSuite' | 'certificate'> {
  const certificate = standing?.certificate;
  return {
    localAddress: standing?.localAddress ?? null,
    tlsVersion: standing?.tlsVersion || null,
    cipherSuite: standing?.cipherSuite || null,
    certificate: certificate === undefined ? null : certificateReport(certificate, at),
  };
}

function certificateReport(certificate: CertificateFacts, at: number): CertificateReport {
  const { subject, issuer, names, notBefore, notAfter, sha256 } = certificate;
  return {
    subject,
    issuer,
    names,
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    daysLeft: daysLeft(certificate, at),
    sha256,
  };
}

function told(value: boolean | 'untold' | undefined): boolean | null {
  return value === 'untold' || value === undefined ? null : value;
}
