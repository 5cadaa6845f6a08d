/** Goodbyes to sessions of real submission servers: a message that is half there arrives, and only once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ann } from '../support/dovecot-site.ts';
import { eventually } from '../support/eventually.ts';
import { trusting } from '../support/gateway.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import {
  type MailServer,
  type SubmissionSite,
  hasMailServers,
  startSubmissionSite,
} from '../support/submission-site.ts';
import { plainResponse, replyTo } from '../support/submission-talk.ts';
import { sessionsOf } from '../support/watching.ts';

const mailTest = test.skipIf(!hasMailServers);
const goodbye = /^421 4\.3\.2 The server goes out of service, connect again\r\n$/;

describe.each<MailServer>(['dovecot', 'postfix'])('of %s', (servers) => {
  let site: SubmissionSite;

  beforeAll(async () => {
    if (hasMailServers)
      site = await startSubmissionSite({ servers, settings: { POSTERN_GOODBYE_RATE: '0' } });
  }, 60_000);

  afterAll(async () => {
    await site?.close();
  }, 60_000);

  mailTest('maintenance: a message under way has its answer first, then comes the 421', async () => {
    const [sending, resting] = [await loggedIn(site), await loggedIn(site)];
    const subject = `half there on ${servers}`;
    for (const line of [`MAIL FROM:<${ann.user}>`, 'RCPT TO:<someone@outside.test>', 'DATA'])
      expect((await replyTo(sending, line)).at(-1)).toMatch(/^(250|354) /);
    sending.send(`From: ${ann.user}\r\nSubject: ${subject}\r\n\r\nthe first half\r\n`);
    expect((await site.gateway.admin('POST /v1/servers/ex1/maintenance')).status).toBe(200);

    expect(await resting.rest()).toMatch(goodbye);
    expect(await sessionsOf(site.gateway)).toHaveLength(1);
    sending.send('421 4.3.2 no words of anybody\r\n..\r\nthe second half\r\n.\r\n');
    expect(await sending.line(10_000)).toMatch(/^250 2\.0\.0 /);
    expect(await sending.rest()).toMatch(goodbye);
    await eventually('the message is there', () => arrived(subject).length > 0);
    expect(arrived(subject)).toHaveLength(1);
    expect(arrived(subject)[0]?.data).toContain('421 4.3.2 no words of anybody');
    await site.gateway.admin('POST /v1/servers/ex1/ready');
  });

  const arrived = (subject: string) => site.sink.mails.filter(({ data }) => data.includes(subject));
});

async function loggedIn(site: SubmissionSite): Promise<RawConnection> {
  const client = await connectRaw({ port: site.ports.implicit, tls: trusting(site.gateway.authority) });
  expect(await client.line()).toMatch(/^220 /);
  await replyTo(client, 'EHLO client.test');
  expect((await replyTo(client, `AUTH PLAIN ${plainResponse(ann)}`)).at(-1)).toMatch(/^235 /);
  return client;
}
