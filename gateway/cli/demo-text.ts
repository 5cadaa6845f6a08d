/** What the demo says when it runs: its doors, and what to try. It fits a screen of 40 lines. PURE. */
import type { FrontendName } from '#gateway/settings/settings';
import { demoDatabases, demoPassword } from './demo-settings.ts';

export interface DemoShown {
  /** The doors that are open, each with its port. */
  readonly ports: ReadonlyMap<FrontendName, number>;
  readonly certificatePath: string;
  readonly hasSwaks: boolean;
}

export function demoText({ ports, certificatePath, hasSwaks }: DemoShown): string {
  const homes = demoDatabases.map(
    ({ id, copies, mailbox }) => `  ${mailbox} in ${id}, active on ${copies[0]}`,
  );
  const doors = [...ports].map(([frontend, port]) => `  ${frontend.padEnd(11)}  ${port}  ${tlsOf(frontend)}`);
  return [
    '',
    `Postern's demo on 127.0.0.1. Its mailboxes, each with the password "${demoPassword}":`,
    ...homes,
    `Its doors, with the certificate ${certificatePath}:`,
    ...doors,
    '',
    'Try them; each answer to a login names the server:',
    ...tries(ports, hasSwaks).map((line) => `  ${line}`),
    'In another terminal, here: see where ann is served, move her, and try again:',
    '  npx postern whereis ann@demo.test',
    '  npx postern lab move db1 ex2',
    'Break things, and mend them:',
    '  npx postern lab crash ex1      (or freeze)',
    '  npx postern lab heal ex1',
    '  npx postern lab status',
    '',
    'Ctrl-C ends it all.',
    '',
  ].join('\n');
}

/** One command a protocol, for those whose door is open. */
function tries(ports: DemoShown['ports'], hasSwaks: boolean): string[] {
  const curl = `curl -kv -u ann@demo.test:${demoPassword}`;
  const at = (frontend: FrontendName, line: (address: string) => string) => {
    const port = ports.get(frontend);
    return port === undefined ? [] : [line(`127.0.0.1:${port}`)];
  };
  const swaks = `--tls -au ann@demo.test -ap ${demoPassword} -t ann@demo.test`;
  return [
    ...at('imaps', (address) => `${curl} 'imaps://${address}/INBOX;UID=1'`),
    ...at('pop3s', (address) => `${curl} pop3s://${address}/1`),
    ...at('submissions', (address) => `${curl} smtps://${address} -T README.md --crlf \\`),
    ...at('submissions', () => '  --mail-from ann@demo.test --mail-rcpt bob@demo.test'),
    ...at('submission', (address) => (hasSwaks ? `swaks -s ${address} ${swaks}` : '')),
    ...at('managesieve', (address) => `openssl s_client -quiet -starttls sieve -connect ${address}`),
    ...at('managesieve', () => `  and type: AUTHENTICATE "PLAIN" "${plainResponse}"`),
  ].filter((line) => line !== '');
}

function tlsOf(frontend: FrontendName): string {
  if (frontend.endsWith('s')) return 'TLS from the first byte';
  return frontend === 'pop3' ? 'STLS' : 'STARTTLS';
}

/** SASL PLAIN for ann. */
const plainResponse = Buffer.from(`\0ann@demo.test\0${demoPassword}`).toString('base64');
