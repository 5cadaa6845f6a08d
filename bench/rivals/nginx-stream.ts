/** nginx's stream module as the rival: TLS at the front, blind TCP to the server. */
import type { Bed, Setup, Subject, SubjectKind } from '../subject.ts';
import { findNginx, nginxFrame, nginxListen, nginxTls, startNginx } from './nginx.ts';
import { type Places, idleMinutes, makePlaces, tls } from './rival.ts';

/** nginx as found in PATH, where it has the stream module. */
export function findNginxStream(): SubjectKind {
  const { version, missing, loading } = findNginx('stream');
  return {
    name: 'nginx-stream',
    role: 'rival',
    version,
    missing,
    features: [
      'tls12',
      'rsa',
      'handshakeOnly',
      'resumption',
      'serverTls',
      'splice',
      'dialsBeforeLogin',
      'pop3',
      'submission',
    ],
    start: (bed, setup) => startNginxStream(loading, bed, setup),
  };
}

async function startNginxStream(loading: string, bed: Bed, setup: Setup): Promise<Subject> {
  const places = await makePlaces('nginx-stream', bed, setup);
  const configuration = nginxFrame(loading, places) + streamConfig(places);
  return startNginx('nginx-stream', configuration, places, bed);
}

/**
 * `ssl_preread` has nginx read the client's first bytes behind the handshake before it dials, which is all
 * that the handshake listeners want of it.
 */
export function streamConfig({ ports, serverPorts, isServerTls, keys }: Places): string {
  const server = (port: number, serverPort: number, kind: '' | 'rsa-' = '', more = '') => `  server {
  ${nginxListen(port)}
  ${nginxTls(keys, kind)}
  proxy_pass 127.0.0.1:${serverPort};${more}
  }
`;
  const awaited = '\n  ssl_preread on;\n  preread_timeout 10s;';
  const serverTls = `  proxy_ssl on;
  proxy_ssl_protocols TLSv1.2 TLSv1.3;
  proxy_ssl_conf_command Ciphersuites ${tls.suites};
  proxy_ssl_verify on;
  proxy_ssl_trusted_certificate ${keys}/cert.pem;
  proxy_ssl_server_name on;
  proxy_ssl_name localhost;
`;
  return `stream {
  proxy_timeout ${idleMinutes}m;
${isServerTls ? serverTls : ''}${[
    server(ports.imaps, serverPorts.imap),
    server(ports.imapsRsa, serverPorts.imap, 'rsa-'),
    server(ports.handshake, serverPorts.imap, '', awaited),
    server(ports.handshakeRsa, serverPorts.imap, 'rsa-', awaited),
    server(ports.pop3s, serverPorts.pop3),
    server(ports.submissions, serverPorts.submission),
  ].join('')}}
`;
}
