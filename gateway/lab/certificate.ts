/**
 * The demo's certificate, made anew at each start: EC P-256, signed by itself, for localhost and 127.0.0.1.
 *
 * X.509 by hand (RFC 5280 section 4.1, X.690 for DER): it is one fixed shape, and the libraries that make
 * certificates bring a dozen packages with them. For anything but the demo bring a real certificate.
 */
import { type KeyObject, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface SelfSigned {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const validDays = 90;
const dayMs = 86_400_000;

/** `now`: milliseconds since 1970. Valid from a day before it, for clocks that differ. */
export function makeCertificate(now: number): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const validity = sequence(time(now - dayMs), time(now + validDays * dayMs));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    // Positive, 127 bits, and not the same twice.
    integer(Buffer.concat([Buffer.from([0x40 | (randomBytes(1).readUInt8() & 0x3f)]), randomBytes(15)])),
    ecdsaWithSha256,
    demoName,
    validity,
    demoName,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions())),
  );
  const certificate = sequence(body, ecdsaWithSha256, bitString(signed(body, privateKey)));
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificatePem: pem('CERTIFICATE', certificate), keyPem };
}

/** RFC 5280 section 4.2.1: no authority, for TLS servers, by these names. */
function extensions(): Buffer[] {
  const names = sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.from([127, 0, 0, 1])));
  return [
    extension('551d13', true, sequence()),
    extension('551d0f', true, tagged(0x03, Buffer.from([7, 0x80]))),
    extension('551d25', false, sequence(objectId('2b06010505070301'))),
    extension('551d11', false, names),
  ];
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [tagged(0x01, Buffer.from([0xff]))] : [];
  return sequence(objectId(id), ...critical, tagged(0x04, value));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sign('sha256', body, { key, dsaEncoding: 'der' });
}

function tagged(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** X.690 section 8.1.3: below 128 in one byte, else the bytes behind their count. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  return length < 0x100 ? Buffer.from([0x81, length]) : Buffer.from([0x82, length >> 8, length & 0xff]);
}

function sequence(...contents: Buffer[]): Buffer {
  return tagged(0x30, ...contents);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.from([0]), bytes);
}

/** RFC 5280 section 4.1.2.5: two digits of the year until 2049, four from then on. */
function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().replace(/[-:T]|\..*/g, '')}Z`;
  return digits < '2050' ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
/** CN=Postern demo */
const demoName = sequence(
  tagged(0x31, sequence(objectId('550403'), tagged(0x0c, Buffer.from('Postern demo')))),
);
