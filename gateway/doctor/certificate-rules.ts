/** Certificates that are not believed, or not for long, and the setting that would believe them. PURE. */
import { serverSetting } from '#gateway/settings/env-name';
import type { Finding, FindingId } from './finding.ts';
import type { CertificateFacts, PortObservation, ServerObservation, SiteObservation } from './observation.ts';

/** At least two of the monthly looks that people take; authorities that renew by themselves do it earlier. */
const endsSoonDays = 21;
const dayMs = 86_400_000;

export function certificateFindings(
  server: ServerObservation,
  port: PortObservation,
  { at }: Pick<SiteObservation, 'at'>,
): Finding[] {
  const { seen } = port;
  const certificate = seen.is === 'usable' ? seen.standing.certificate : undefined;
  if (seen.is !== 'usable' || certificate === undefined) return [];
  const finding = ([id, what, mend]: Fault): Finding => ({
    id,
    server: server.server,
    protocols: [port.protocol],
    what,
    mend,
  });
  if (seen.distrust !== undefined) return faults(server, certificate, at, seen.distrust).map(finding);
  if (server.verify === 'any') return [finding(anyCertificate(server, certificate))];
  const days = daysLeft(certificate, at);
  if (days >= endsSoonDays || server.verify !== 'ca') return [];
  return [finding(['certificate-ends', `${server.server}'s certificate ends in ${count(days)}`, renewal])];
}

/** Whole days until the certificate ends, negative where it has. */
export function daysLeft({ notAfter }: CertificateFacts, at: number): number {
  return Math.floor((notAfter - at) / dayMs);
}

type Fault = readonly [FindingId, string, readonly string[]];

function anyCertificate(server: ServerObservation, certificate: CertificateFacts): Fault {
  const what = `${server.server} may show any certificate; now it shows one of ${certificate.issuer}`;
  return ['any-certificate', what, pinMends(server, certificate)];
}

const renewal: readonly string[] = ['renew it at the server'];

/** Everything that stands in the way, so that one round of mending is enough. */
function faults(
  server: ServerObservation,
  certificate: CertificateFacts,
  at: number,
  distrust: string,
): Fault[] {
  const name = server.server;
  if (server.verify === 'pin') {
    return [
      ['certificate-pin', `${name} shows a certificate that is not pinned`, pinMends(server, certificate)],
    ];
  }
  const found: Fault[] = [];
  if (!certificate.isForName)
    found.push(['certificate-name', wrongName(server, certificate), nameMends(server, certificate)]);
  if (at > certificate.notAfter) {
    const since = count(-daysLeft(certificate, at) - 1);
    found.push([
      'certificate-dates',
      `${name}'s certificate ended ${since} ago`,
      datesMends(server, certificate),
    ]);
  } else if (at < certificate.notBefore) {
    const what = `${name}'s certificate begins only on ${dateOf(certificate.notBefore)}`;
    found.push(['certificate-dates', what, ['set the clocks of gateway and server right, or issue it anew']]);
  }
  if (/issued by nobody|signature on the server's certificate/.test(distrust)) {
    found.push(['certificate-issuer', unknownIssuer(server, certificate), issuerMends(server, certificate)]);
  }
  if (found.length > 0) return found;
  return [['certificate-refused', `${name}: ${distrust}`, pinMends(server, certificate)]];
}

function wrongName({ server, fqdn }: ServerObservation, { names }: CertificateFacts): string {
  return `${server}'s certificate is for ${listOf(names)}, not for ${fqdn}`;
}

function nameMends(server: ServerObservation, certificate: CertificateFacts): string[] {
  const { names } = certificate;
  const plain = names.filter((name) => !name.includes('*') && !/^[\d.]+$|:/.test(name));
  return [
    `issue one for ${server.fqdn} at the server`,
    ...plain
      .slice(0, 1)
      .map((name) => `or, if that is its name: ${serverSetting(server.server, 'FQDN')}=${name}`),
    `or, to believe this very certificate: ${pinWords(server, certificate)}`,
  ];
}

function datesMends(server: ServerObservation, certificate: CertificateFacts): string[] {
  return [...renewal, `until then, to believe it all the same: ${pinWords(server, certificate)}`];
}

function unknownIssuer({ server }: ServerObservation, { issuer, isSelfSigned }: CertificateFacts): string {
  return isSelfSigned
    ? `${server}'s certificate is signed by itself (${issuer})`
    : `${server}'s certificate is signed by ${issuer}, which is none of our authorities`;
}

/** A pin holds until the certificate is renewed; the authority's own certificate holds for longer. */
function issuerMends(server: ServerObservation, certificate: CertificateFacts): string[] {
  const ca = serverSetting(server.server, 'TLS_CA_PATH');
  return [
    ...pinMends(server, certificate),
    certificate.isSelfSigned
      ? `or put that certificate into a PEM file: ${ca}=/etc/postern/${server.server}.pem`
      : `or put the certificate of ${certificate.issuer} into a PEM file: ${ca}=/etc/postern/ca.pem`,
  ];
}

/** One line a setting, to be pasted as they stand. */
function pinMends({ server, verify }: ServerObservation, { sha256 }: CertificateFacts): string[] {
  const pins = `${serverSetting(server, 'TLS_PINS')}=${sha256}`;
  return verify === 'pin' ? [pins] : [`${serverSetting(server, 'TLS_VERIFY')}=pin`, pins];
}

/** The same within a sentence. */
function pinWords(server: ServerObservation, certificate: CertificateFacts): string {
  return pinMends(server, certificate).join(' and ');
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return 'no name at all';
  const more = names.length - namesShown;
  return names.slice(0, namesShown).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function count(days: number): string {
  return `${days} day${days === 1 ? '' : 's'}`;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Enough to recognise a certificate by. */
const namesShown = 4;
