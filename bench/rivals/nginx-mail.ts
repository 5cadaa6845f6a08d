/**
 * nginx's mail module as the rival: it reads the login, asks auth_http which server the user is on, and logs
 * in there. It takes no TLS towards the server.
 *
 * There are two of it. `nginx-mail` is as it ships: tickets and greeting are separate small writes without
 * TCP_NODELAY, which the module can't set, so Nagle's algorithm holds the greeting back until the client's
 * delayed ACK, 42 ms, in every session. `nginx-mail-no-tickets` is told to send no tickets, which takes the
 * stall away and resumption with it.
 */
import { fileURLToPath } from 'node:url';
import { type Launcher, awaitPort, freePort } from '../launch.ts';
import { generatorCore } from '../load-tool.ts';
import type { Bed, Feature, Setup, StubPorts, Subject, SubjectKind } from '../subject.ts';
import { findNginx, nginxFrame, nginxListen, nginxTls, startNginx } from './nginx.ts';
import { type Places, idleMinutes, makePlaces } from './rival.ts';

/** nginx as found in PATH, where it has the mail module: as it ships, and without tickets. */
export function findNginxMail(): readonly SubjectKind[] {
  return [nginxMailKind(true), nginxMailKind(false)];
}

function nginxMailKind(hasTickets: boolean): SubjectKind {
  const { version, missing, loading } = findNginx('mail');
  const features: readonly Feature[] = [
    'tls12',
    'rsa',
    'handshakeOnly',
    'splice',
    'parsesLogin',
    'pop3',
    'submission',
  ];
  return {
    name: hasTickets ? 'nginx-mail' : 'nginx-mail-no-tickets',
    role: 'rival',
    version: hasTickets ? version : `${version}, NumTickets 0`,
    missing,
    features: hasTickets ? [...features, 'resumption'] : features,
    start: (bed, setup) => startNginxMail({ loading, hasTickets }, bed, setup),
  };
}

interface Variant {
  readonly loading: string;
  readonly hasTickets: boolean;
}

async function startNginxMail({ loading, hasTickets }: Variant, bed: Bed, setup: Setup): Promise<Subject> {
  const name = hasTickets ? 'nginx-mail' : 'nginx-mail-no-tickets';
  const places = await makePlaces(name, bed, setup);
  const answers = await startAuthAnswers(bed.tool.launcher, places.serverPorts);
  const mail = mailConfig(places, { authPort: answers.port, hasTickets });
  const subject = await startNginx(name, nginxFrame(loading, places) + mail, places, bed);
  return {
    ...subject,
    async stop() {
      await subject.stop();
      await answers.stop();
    },
  };
}

/**
 * Answers auth_http, on the generator's core: whom it asks is not nginx, so its CPU time is not counted; that
 * it asks, is.
 */
async function startAuthAnswers(launcher: Launcher, { imap, pop3, submission }: StubPorts) {
  const port = await freePort();
  const path = fileURLToPath(new URL('answer-auth.mjs', import.meta.url));
  const running = launcher.start({
    name: 'auth-answers',
    command: process.execPath,
    words: [path, ...[port, imap, pop3, submission].map(String)],
    core: generatorCore,
  });
  running.child.stdout?.resume();
  await awaitPort(port, running, 'the answers to auth_http');
  return { port, stop: () => running.stop() };
}

/**
 * `proxy_smtp_auth` has nginx log in to the server of a submission, as all others do; as it ships it would
 * only greet there, or name the user by XCLIENT.
 *
 * Handshakes alone are measured on listeners of nginx's http module, in the same process and with the same
 * TLS: the mail module sends a greeting, and does not notice until its timeout that a client has closed
 * before it.
 */
export function mailConfig(
  { ports, keys, folder }: Places,
  { authPort, hasTickets }: { readonly authPort: number; readonly hasTickets: boolean },
): string {
  const tickets = hasTickets ? '' : '\n  ssl_conf_command NumTickets 0;';
  const server = (port: number, kind: '' | 'rsa-', serves: string) => `  server {
  ${nginxListen(port)}
  ${nginxTls(keys, kind)}${tickets}
  ${serves}
  }
`;
  const mailServers = [
    server(ports.imaps, '', 'protocol imap;'),
    server(ports.imapsRsa, 'rsa-', 'protocol imap;'),
    server(ports.pop3s, '', 'protocol pop3;'),
    server(ports.submissions, '', 'protocol smtp;'),
  ];
  const handshakes = [
    server(ports.handshake, '', 'return 204;'),
    server(ports.handshakeRsa, 'rsa-', 'return 204;'),
  ];
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${folder}/${name};\n`,
  );
  return `mail {
  auth_http 127.0.0.1:${authPort}/;
  proxy_pass_error_message on;
  imap_capabilities IMAP4rev1 LITERAL+ SASL-IR ID IDLE;
  pop3_capabilities TOP UIDL USER PIPELINING RESP-CODES AUTH-RESP-CODE;
  smtp_capabilities PIPELINING "SIZE 41943040" 8BITMIME ENHANCEDSTATUSCODES;
  smtp_auth plain login;
  server_name localhost;
  xclient off;
  proxy_smtp_auth on;
  timeout ${idleMinutes}m;
  proxy_timeout ${idleMinutes}m;
${mailServers.join('')}}
http {
  access_log off;
${temporary.join('')}${handshakes.join('')}}
`;
}
