/** Whose mail it is, in a real Postfix's own log: told by PROXY headers ahead of STARTTLS. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ann } from '../support/dovecot-site.ts';
import { eventually } from '../support/eventually.ts';
import { trusting } from '../support/gateway.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type SubmissionSite, hasMailServers, startSubmissionSite } from '../support/submission-site.ts';
import { statusOf } from '../support/watching.ts';

const mailTest = test.skipIf(!hasMailServers);

describe.each(['submission:proxy', 'submission:proxy-v1'])('by %s', (identity) => {
  let site: SubmissionSite;

  beforeAll(async () => {
    if (!hasMailServers) return;
    const settings = { POSTERN_SERVER_IDENTITY: identity };
    site = await startSubmissionSite({ servers: 'postfix', isProxied: true, settings });
  }, 60_000);

  afterAll(async () => {
    await site?.close();
  }, 60_000);

  mailTest('V18 a login is the client in the log, and not the gateway', async () => {
    const tls = trusting(site.gateway.authority);
    const client = await connectRaw({ port: site.ports.implicit, tls, localAddress: '127.0.0.77' });
    const proof = Buffer.from(`\0${ann.user}\0${ann.password}`).toString('base64');
    client.send(`EHLO laptop\r\nAUTH PLAIN ${proof}\r\n`);
    await client.linesUntil(/^235 /);
    client.send(`MAIL FROM:<${ann.user}>\r\nRCPT TO:<you@else.test>\r\nDATA\r\n`);
    await client.linesUntil(/^354 /);
    client.send('Subject: from whom\r\n\r\nThat is the question.\r\n.\r\nQUIT\r\n');
    await client.linesUntil(/^221 /);
    const line = await eventually('the login in the log', async () =>
      (await site.logOf('ex1')).split('\n').find((text) => text.includes(`sasl_username=${ann.user}`)),
    );
    expect(line).toContain('[127.0.0.77]');
    client.destroy();
  });

  mailTest('probes are taken', async () => {
    await eventually('both servers take mail', async () =>
      (await statusOf(site.gateway)).servers.every(({ protocols }) =>
        protocols.every(({ health }) => health === 'up'),
      ),
    );
    expect(await site.logOf('ex1')).not.toMatch(/proxy protocol|haproxy/i);
  });
});
