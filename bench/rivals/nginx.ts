/**
 * What the two nginx rivals share: finding the program and its modules, the words about TLS, the frame of
 * the configuration. One worker; access logs don't exist where none is named.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed, Subject, SubjectName } from '../subject.ts';
import { type Places, backlog, connectionsMax, locate, startRival, tls, wordsOf } from './rival.ts';

export type NginxModule = 'mail' | 'stream';

/** nginx as found in PATH, with one of its modules. */
export interface FoundNginx {
  readonly version: string;
  readonly missing: string | undefined;
  /** What the configuration begins with: loads the module, unless it is compiled in. */
  readonly loading: string;
}

export function findNginx(module: NginxModule): FoundNginx {
  const words = wordsOf(locate('nginx'), ['-V']);
  const apt = `"apt-get install nginx libnginx-mod-${module}" installs it.`;
  if (words === undefined) return { version: 'missing', missing: `nginx does not run: ${apt}`, loading: '' };
  const version = `${words.split('\n')[0]?.replace('nginx version: ', '')}, ${module} module`;
  const loading = loadingIn(words, module);
  const missing = loading === undefined ? `nginx has no ${module} module here: ${apt}` : undefined;
  return { version, missing, loading: loading ?? '' };
}

/** From the words of `nginx -V`; undefined when the module is neither compiled in nor where modules lie. */
export function loadingIn(
  words: string,
  module: NginxModule,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  const built = new RegExp(`--with-${module}(=dynamic)?(?=\\s|$)`).exec(words);
  if (built === null) return undefined;
  if (built[1] === undefined) return '';
  const folder = /--modules-path=(\S+)/.exec(words)?.[1] ?? /--prefix=(\S+)/.exec(words)?.[1] ?? '';
  const path = join(folder, `ngx_${module}_module.so`);
  return exists(path) ? `load_module ${path};\n` : undefined;
}

/** Two connections a session, and one more while a login is asked about. */
export function nginxFrame(loading: string, { folder }: Places): string {
  return `${loading}daemon off;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} error;
worker_processes 1;
events { worker_connections ${2 * connectionsMax + 500}; }
`;
}

/** The TLS of all servers of a block. */
export function nginxTls(keys: string, kind: '' | 'rsa-' = ''): string {
  return `ssl_certificate ${join(keys, `${kind}cert.pem`)};
  ssl_certificate_key ${join(keys, `${kind}key.pem`)};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ${tls.ciphers};
  ssl_conf_command Ciphersuites ${tls.suites};
  ssl_ecdh_curve ${tls.groups};`;
}

/** A listener's words. */
export function nginxListen(port: number): string {
  return `listen 127.0.0.1:${port} ssl backlog=${backlog};`;
}

/** Writes the configuration and starts nginx on it, with `places.ports`. */
export async function startNginx(
  name: SubjectName,
  configuration: string,
  places: Places,
  bed: Bed,
): Promise<Subject> {
  const path = join(places.folder, 'nginx.conf');
  writeFileSync(path, configuration);
  const words = ['-p', places.folder, '-e', join(places.folder, 'error.log'), '-c', path];
  return startRival({ name, command: locate('nginx'), words, ports: places.ports }, bed);
}
