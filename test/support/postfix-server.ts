/**
 * One real Postfix on free ports of 127.0.0.1 that takes mail of users who log in: 587 with STARTTLS and 465,
 * by the passwords of a Dovecot beside it, and relays it to a sink. It has its own configuration and queue,
 * and is no part of the machine's mail.
 */
import { chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, familyOf, isAlive, mustRun, signalAll, startChild } from './child.ts';
import { eventually } from './eventually.ts';
import { programPath } from './programs.ts';
import { connectRaw } from './raw-connection.ts';

export interface PostfixSetup {
  readonly name: string;
  /** Everything of the server lies here. Users other than root must be able to reach it. */
  readonly folder: string;
  readonly ports: PostfixPorts;
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Where a Dovecot's auth process takes SASL over TCP. */
  readonly saslPort: number;
  /** Where all mail is sent on to. */
  readonly relayPort: number;
  /** Settings of main.cf besides, or instead. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostfixPorts {
  readonly submission: number;
  readonly submissions: number;
  /** As `submission`, with a PROXY header before all else. */
  readonly proxied?: number;
}

/** False where Postfix is not installed, or this is not root: its processes run as several users. */
export const hasPostfix = process.getuid?.() === 0 && programPath('postfix') !== undefined;

export class PostfixServer {
  readonly name: string;
  readonly ports: PostfixPorts;
  private readonly setup: PostfixSetup;
  private child: Child | undefined;

  constructor(setup: PostfixSetup) {
    this.name = setup.name;
    this.ports = setup.ports;
    this.setup = setup;
  }

  /** Writes the configuration, starts it and waits for its greeting. */
  async start(): Promise<void> {
    await this.prepare();
    const child = await startChild('postfix', ['-c', this.path('conf'), 'start-fg']);
    this.child = child;
    await eventually(
      `greeting of Postfix ${this.name}`,
      async () => {
        if (!child.isRunning()) throw new Error(`postfix ended: ${child.stderr()} ${await this.log()}`);
        const client = await connectRaw({ port: this.ports.submission });
        const greeting = await client.line(2_000).finally(() => client.destroy());
        return greeting.startsWith('220 ');
      },
      { withinMs: 30_000 },
    );
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (child === undefined) return;
    this.child = undefined;
    // The master forks no more while the family is counted.
    signalAll([child.pid], 'SIGSTOP');
    const family = familyOf(child.pid);
    signalAll(family, 'SIGKILL');
    await child.ended;
    await eventually(`end of all processes of ${this.name}`, () => !family.some(isAlive));
  }

  /** Its log so far: every client with its SASL name, every delivery. */
  log(): Promise<string> {
    return readFile(this.path('mail.log'), 'utf8').catch(() => '');
  }

  /** How many sessions of the user its log shows. */
  async loginsOf(user: string): Promise<number> {
    const lines = (await this.log()).split('\n');
    return lines.filter((line) => line.includes(`sasl_username=${user}`) && line.includes('client=')).length;
  }

  private async prepare(): Promise<void> {
    for (const name of ['conf', 'data', 'queue', 'queue/pid'])
      await mkdir(this.path(name), { recursive: true });
    const uid = Number(await mustRun('id', ['-u', 'postfix']));
    await chown(this.path('data'), uid, 0);
    await writeFile(this.path('conf/main.cf'), mainConfig(this.setup));
    await writeFile(this.path('conf/master.cf'), masterConfig(this.ports));
    // Where Debian has them, Postfix wants them beside its configuration.
    for (const name of ['postfix-files', 'dynamicmaps.cf']) {
      if (existsSync(`/etc/postfix/${name}`))
        await copyFile(`/etc/postfix/${name}`, this.path(`conf/${name}`));
    }
  }

  private path(name: string): string {
    return join(this.setup.folder, name);
  }
}

function mainConfig(setup: PostfixSetup): string {
  const { name, folder, certificatePath, keyPath, saslPort, relayPort, settings = {} } = setup;
  const rows: Record<string, string> = {
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    command_directory: '/usr/sbin',
    daemon_directory: '/usr/lib/postfix/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    maillog_file: `${folder}/mail.log`,
    maillog_file_prefixes: folder,
    myhostname: `${name}.test`,
    mydestination: '',
    // V18: a gateway in mynetworks would relay for everybody.
    mynetworks: '192.0.2.0/32',
    inet_interfaces: 'loopback-only',
    inet_protocols: 'ipv4',
    alias_maps: '',
    alias_database: '',
    local_transport: 'error:nothing is delivered here',
    relayhost: `[127.0.0.1]:${relayPort}`,
    // There is no DNS to ask.
    smtpd_peername_lookup: 'no',
    smtp_dns_support_level: 'disabled',
    smtp_tls_security_level: 'none',
    smtpd_tls_cert_file: certificatePath,
    smtpd_tls_key_file: keyPath,
    smtpd_tls_security_level: 'encrypt',
    smtpd_sasl_auth_enable: 'yes',
    smtpd_sasl_type: 'dovecot',
    smtpd_sasl_path: `inet:127.0.0.1:${saslPort}`,
    smtpd_sasl_security_options: 'noanonymous',
    smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
    smtpd_client_connection_count_limit: '0',
    ...settings,
  };
  return Object.entries(rows)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('');
}

/** The processes, none in a chroot: service, type, private, unprivileged, chroot, wake-up, limit, command. */
function masterConfig({ submission, submissions, proxied }: PostfixPorts): string {
  const behindProxy = `127.0.0.1:${proxied} inet n - n - 50 smtpd
  -o smtpd_upstream_proxy_protocol=haproxy`;
  return `
${proxied === undefined ? '' : behindProxy}
127.0.0.1:${submission} inet n - n - 50 smtpd
127.0.0.1:${submissions} inet n - n - 50 smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}
