/** `postern doctor` before certificates that are not believed, shown by a real Dovecot. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { makeCertificate } from '#gateway/lab/certificate';
import { makeAuthority } from '../support/certificates.ts';
import { type DoctorSite, pasted, visit } from '../support/doctor.ts';
import { type DovecotDoctorSite, startDoctorDovecot } from '../support/doctor-dovecot.ts';
import { dovecotTest, hasDovecot } from '../support/dovecot-site.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

describe('a certificate of an authority for ex1.test', () => {
  let site: DovecotDoctorSite;
  beforeAll(async () => {
    if (hasDovecot) site = await startDoctorDovecot();
  }, 60_000);
  afterAll(() => site?.close());

  dovecotTest(
    'an unknown authority is named, and the pin that is printed works when it is pasted',
    async () => {
      const other = await makeAuthority(await makeTempFolder('other'), 'Other CA');
      const trusting = { POSTERN_SERVER_EX1_TLS_CA_PATH: other.caPath };
      const { status, wrong, finding, report } = await visit(site, trusting);
      expect([status, wrong]).toEqual([1, ['certificate-issuer']]);
      expect(finding('certificate-issuer').what).toContain('CN=Postern test CA');
      // The rest was seen all the same.
      expect(report.servers[0]?.ports[0]).toMatchObject({ isGood: false, tlsVersion: 'TLSv1.3' });

      const [verify, pin] = finding('certificate-issuer').mend.map(pasted);
      expect((await visit(site, { ...trusting, ...verify, ...pin })).wrong).toEqual([]);
      const [name = ''] = Object.keys(pin ?? {});
      const wrongPin = await visit(site, { ...trusting, ...verify, [name]: '00'.repeat(32) });
      expect(wrongPin.wrong).toEqual(['certificate-pin']);
    },
  );

  dovecotTest('a certificate for another name is shown with that name', async () => {
    const { status, wrong, finding } = await visit(site, { POSTERN_SERVER_EX1_FQDN: 'ex9.test' });
    expect([status, wrong]).toEqual([1, ['certificate-name']]);
    expect(finding('certificate-name').what).toBe("ex1's certificate is for ex1.test, not for ex9.test");
    const line = finding('certificate-name').mend.find((mend) => mend.includes('FQDN='));
    expect(line).toBe('or, if that is its name: POSTERN_SERVER_EX1_FQDN=ex1.test');
  });
});

describe('a Dovecot whose certificate has ended', () => {
  let site: DovecotDoctorSite;
  let certificatePath: string;
  beforeAll(async () => {
    if (!hasDovecot) return;
    const folder = await makeTempFolder('expired');
    const { certificatePem, keyPem } = makeCertificate(Date.now() - 100 * 86_400_000);
    [certificatePath] = [join(folder, 'cert.pem')];
    await writeFile(certificatePath, certificatePem);
    await writeFile(join(folder, 'key.pem'), keyPem, { mode: 0o600 });
    site = await startDoctorDovecot({ certificate: { certificatePath, keyPath: join(folder, 'key.pem') } });
  }, 60_000);
  afterAll(() => site?.close());

  dovecotTest('it is found, with how long ago, and a pin helps until it is renewed', async () => {
    const own = { POSTERN_SERVER_EX1_FQDN: 'localhost', POSTERN_SERVER_EX1_TLS_CA_PATH: certificatePath };
    const { status, wrong, finding } = await visit(site as DoctorSite, own);
    expect([status, wrong]).toEqual([1, ['certificate-dates']]);
    expect(finding('certificate-dates').what).toMatch(/ended (9|10) days ago/);
    const words = finding('certificate-dates').mend.at(-1) ?? '';
    const settings = (words.match(/POSTERN_\S+=\S+/g) ?? []).map(pasted);
    expect((await visit(site, Object.assign({}, own, ...settings))).wrong).toEqual([]);
  });
});
