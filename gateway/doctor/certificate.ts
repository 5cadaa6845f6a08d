/** A server's certificate as facts: reads what the engine gives of it. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { CertificateFacts } from './observation.ts';

/** Undefined where the bytes are no certificate. `name`: what the settings say that it must be for. */
export function certificateFacts(der: Uint8Array, name: string): CertificateFacts | undefined {
  try {
    return factsOf(new X509Certificate(der), name);
  } catch {
    return undefined;
  }
}

function factsOf(certificate: X509Certificate, name: string): CertificateFacts {
  const { subject, issuer } = certificate;
  // As the engine does: by the alternative names alone (RFC 9525 section 2), and wildcards of whole labels.
  const options = { subject: 'never', partialWildcards: false } as const;
  const isForName = isIP(name) === 0 ? certificate.checkHost(name, options) : certificate.checkIP(name);
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    names: namesOf(certificate.subjectAltName),
    isForName: isForName !== undefined,
    isSelfSigned: subject === issuer && certificate.verify(certificate.publicKey),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** `DNS:a.example, IP Address:10.0.0.1`: a name that holds odd characters is quoted as a JSON string. */
function namesOf(alternatives: string | undefined): string[] {
  return [...(alternatives ?? '').matchAll(/(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]+)/g)].map(
    ([, name = '']) => name,
  );
}

/** Node gives one part of a name a line. */
function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
