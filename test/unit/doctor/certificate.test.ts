import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { certificateFacts } from '#gateway/doctor/certificate';
import { makeCertificate } from '#gateway/lab/certificate';

const day = 86_400_000;
const made = Date.parse('2026-11-25T12:00:00Z');
const { raw, fingerprint256 } = new X509Certificate(makeCertificate(made).certificatePem);

test('a certificate is read with its names, dates and fingerprint', () => {
  expect(certificateFacts(raw, 'localhost')).toEqual({
    subject: 'CN=Postern demo',
    issuer: 'CN=Postern demo',
    names: ['localhost', '127.0.0.1'],
    isForName: true,
    isSelfSigned: true,
    notBefore: made - day,
    notAfter: made + 90 * day,
    sha256: fingerprint256.replaceAll(':', '').toLowerCase(),
  });
});

test.each<[string, boolean]>([
  ['LOCALHOST', true],
  ['127.0.0.1', true],
  ['127.0.0.2', false],
  ['ex1.corp.example', false],
  // The common name is no name of a server (RFC 9525).
  ['Postern demo', false],
])('for %s: %s', (name, isForName) => {
  expect(certificateFacts(raw, name)?.isForName).toBe(isForName);
});

test('what is no certificate has no facts', () => {
  expect(certificateFacts(raw.subarray(0, 40), 'localhost')).toBeUndefined();
  expect(certificateFacts(new Uint8Array(), 'localhost')).toBeUndefined();
});
