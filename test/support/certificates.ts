/** Certificates for tests, made by the openssl command: an authority, and what it signs. */
import { randomBytes } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './child.ts';

export interface Authority {
  readonly caPath: string;
  readonly caPem: string;
  /** A certificate for these names and addresses, by default valid for a day and with an ECDSA key. */
  issue(name: string, names: readonly string[], days?: number, key?: keyof typeof newKeys): Promise<Issued>;
}

export interface Issued {
  readonly certificatePath: string;
  readonly keyPath: string;
}

const newKeys = {
  ecdsa: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
  rsa: ['-newkey', 'rsa:2048', '-nodes'],
};

/** A fresh authority in the folder. Each has its own key, so none is trusted by mistake. */
export async function makeAuthority(folder: string, commonName = 'Postern test CA'): Promise<Authority> {
  const [caPath, caKeyPath] = [join(folder, 'ca.pem'), join(folder, 'ca.key')];
  const use = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  const subject = ['-subj', `/CN=${commonName}`];
  await mustRun('openssl', [
    'req',
    '-x509',
    ...newKeys.ecdsa,
    '-days',
    '2',
    ...subject,
    ...use,
    '-keyout',
    caKeyPath,
    '-out',
    caPath,
  ]);
  const issue: Authority['issue'] = (name, names, days = 1, key = 'ecdsa') =>
    issueCertificate({ folder, caPath, caKeyPath, name, names, days, newKey: newKeys[key] });
  return { caPath, caPem: await readFile(caPath, 'utf8'), issue };
}

async function issueCertificate(order: {
  folder: string;
  caPath: string;
  caKeyPath: string;
  name: string;
  names: readonly string[];
  days: number;
  newKey: readonly string[];
}): Promise<Issued> {
  const { folder, caPath, caKeyPath, name, names, days, newKey } = order;
  const path = (kind: string) => join(folder, `${name}.${kind}`);
  const alternatives = names.map((each) => `${/^[\d.]+$|:/.test(each) ? 'IP' : 'DNS'}:${each}`).join(',');
  const serial = `0x${randomBytes(8).toString('hex')}`;
  await writeFile(path('ext'), `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  await mustRun('openssl', [
    'req',
    ...newKey,
    '-subj',
    `/CN=${names[0] ?? name}`,
    '-keyout',
    path('key'),
    '-out',
    path('csr'),
  ]);
  const signing = [
    '-CA',
    caPath,
    '-CAkey',
    caKeyPath,
    '-set_serial',
    serial,
    '-days',
    String(days),
    '-extfile',
    path('ext'),
  ];
  await mustRun('openssl', ['x509', '-req', '-in', path('csr'), ...signing, '-out', path('pem')]);
  await chmod(path('key'), 0o600);
  return { certificatePath: path('pem'), keyPath: path('key') };
}
