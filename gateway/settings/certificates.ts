/**
 * Reads the certificates and keys that the settings name. That they belong together is the engine's to
 * check.
 */
import type { Problem } from './problem.ts';
import type { CertificatePaths } from './settings.ts';
import type { ReadFile } from './surroundings.ts';

/** As the engine takes it. */
export interface CertificateText {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export type CertificatesRead = { readonly pairs: CertificateText[] } | { readonly problems: Problem[] };

/** Reads anew at each call, so a renewed certificate is found at a reload. */
export function readCertificates(
  certificates: readonly CertificatePaths[],
  readFile: ReadFile,
): CertificatesRead {
  const problems: Problem[] = [];
  const pairs = certificates.map((certificate) => ({
    certificatePem: readPem(certificate.certificatePath, certificateSetting, { readFile, problems }),
    keyPem:
      'key' in certificate
        ? keyText(certificate.key.reveal(), problems)
        : readPem(certificate.keyPath, keySetting, { readFile, problems }),
  }));
  return problems.length > 0 ? { problems } : { pairs };
}

interface PemSetting {
  readonly setting: string;
  /** What a file of this kind holds, as its first line says. */
  readonly begins: RegExp;
  readonly wanted: string;
  readonly mend: string;
}

interface Reading {
  readonly readFile: ReadFile;
  readonly problems: Problem[];
}

/** The text of a PEM file; empty where it is none, which is added to the problems. */
export function readPem(
  path: string,
  { setting, begins, wanted, mend }: PemSetting,
  { readFile, problems }: Reading,
): string {
  const file = readFile(path);
  if ('trouble' in file) {
    problems.push({
      setting,
      problem: `can't be used: ${file.trouble}`,
      mend: 'name a file that this user can read',
    });
    return '';
  }
  if (begins.test(file.text)) return file.text;
  problems.push({
    setting,
    problem: `names ${path}, which holds no ${wanted}`,
    mend,
  });
  return '';
}

function keyText(text: string, problems: Problem[]): string {
  if (keySetting.begins.test(text)) return text;
  problems.push({
    setting: 'POSTERN_TLS_KEY',
    problem: 'holds no private key',
    mend: 'give the key as PEM text, without a passphrase',
  });
  return '';
}

/** How a certificate's PEM text begins. */
export const certificateBegins = /-----BEGIN CERTIFICATE-----/;

const certificateSetting = {
  setting: 'POSTERN_TLS_CERT_PATH',
  begins: certificateBegins,
  wanted: 'certificate',
  mend: 'name a PEM file with a certificate',
};

const keySetting = {
  setting: 'POSTERN_TLS_KEY_PATH',
  // A key that needs a passphrase ("ENCRYPTED") can't be opened at a start that nobody watches.
  begins: /-----BEGIN (RSA |EC )?PRIVATE KEY-----/,
  wanted: 'private key',
  mend: 'name a PEM file with a private key',
};
