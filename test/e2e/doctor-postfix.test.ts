/** `postern doctor` before a real Postfix that takes submission, with a real Dovecot behind it for logins. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { visit } from '../support/doctor.ts';
import { type DovecotDoctorSite, startDoctorDovecot } from '../support/doctor-dovecot.ts';
import { hasDovecot } from '../support/dovecot-site.ts';
import { freePorts } from '../support/ports.ts';
import { PostfixServer, hasPostfix } from '../support/postfix-server.ts';

const postfixTest = test.skipIf(!hasDovecot || !hasPostfix);

let site: DovecotDoctorSite;
let postfix: PostfixServer | undefined;
let turn = 0;

beforeAll(async () => {
  if (!hasDovecot || !hasPostfix) return;
  site = await startDoctorDovecot();
}, 60_000);
afterEach(async () => {
  await postfix?.stop();
  postfix = undefined;
});
afterAll(() => site?.close());

postfixTest(
  'a Postfix that believes XCLIENT of the gateway and relays for nobody is good',
  async () => {
    const settings = await submission({ smtpd_authorized_xclient_hosts: '127.0.0.1' }, 'submission:xclient');
    const { status, wrong, report } = await visit(site, settings);
    expect([status, wrong]).toEqual([0, []]);
    const port = report.servers[0]?.ports.find(({ protocol }) => protocol === 'submission');
    expect(port).toMatchObject({ isGood: true, takesXclient: true, relays: false, tlsVersion: 'TLSv1.3' });
  },
  120_000,
);

postfixTest(
  'V18: mynetworks that hold the gateway are found, and no message was sent for it',
  async () => {
    const settings = await submission({ mynetworks: '127.0.0.0/8' });
    const { status, wrong, finding } = await visit(site, settings);
    expect([status, wrong]).toEqual([1, ['relay-open']]);
    expect(finding('relay-open').mend[0]).toContain('take 127.0.0.1 out of mynetworks');
    expect(await postfix?.log()).not.toMatch(/message-id=|\bqmgr\[\d+\]: \w+: from=/);
  },
  120_000,
);

postfixTest(
  'V18: XCLIENT that the settings ask for and Postfix does not take from us is found',
  async () => {
    const settings = await submission({}, 'submission:xclient');
    const { wrong, finding } = await visit(site, settings);
    expect(wrong).toEqual(['xclient-refused']);
    expect(finding('xclient-refused').mend).toContain(
      'Postfix, at ex1: smtpd_authorized_xclient_hosts = 127.0.0.1',
    );
  },
  120_000,
);

postfixTest(
  'V23: a Postfix that would take XCLIENT is a fault where it is left to the clients',
  async () => {
    const settings = await submission({ smtpd_authorized_xclient_hosts: '127.0.0.1' });
    const { status, wrong, finding } = await visit(site, settings);
    expect([status, wrong, finding('xclient-open').severity]).toEqual([1, ['xclient-open'], 'fault']);
  },
  120_000,
);

postfixTest(
  'a Postfix without TLS is found',
  async () => {
    const settings = await submission({ smtpd_tls_security_level: 'none' });
    expect((await visit(site, settings)).wrong).toEqual(['no-starttls']);
  },
  120_000,
);

/** Starts a Postfix with these settings of its own; gives the settings of a site with it. */
async function submission(own: Record<string, string>, identity = 'none'): Promise<Record<string, string>> {
  turn += 1;
  const [port = 0, submissions = 0, relayPort = 0] = await freePorts(3);
  postfix = new PostfixServer({
    name: 'ex1',
    folder: join(site.folder, `postfix${turn}`),
    ports: { submission: port, submissions },
    ...(await site.authority.issue(`smtp${turn}`, ['ex1.test'], 60)),
    saslPort: site.server.ports.sasl,
    // Nothing listens there: no mail is sent.
    relayPort,
    settings: {
      smtpd_tls_security_level: 'may',
      smtpd_relay_restrictions: 'permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination',
      ...own,
    },
  });
  await postfix.start();
  return {
    POSTERN_PROTOCOLS: 'imaps,submission',
    POSTERN_SUBMISSION_PORT: '0',
    POSTERN_SERVER_EX1_SUBMISSION_PORT: String(port),
    POSTERN_SERVER_EX1_IDENTITY: identity === 'none' ? 'imap:id' : `imap:id,${identity}`,
  };
}
