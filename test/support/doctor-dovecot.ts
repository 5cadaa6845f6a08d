/**
 * One real Dovecot that bites whom it does not know the clients of: two sessions a user and address, and a
 * penalty for wrong passwords. It believes what the gateway says of its clients.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, makeAuthority } from './certificates.ts';
import type { DoctorSite } from './doctor.ts';
import { portNames, portsOf } from './dovecot-config.ts';
import { DovecotServer, type Mailbox } from './dovecot-server.ts';
import { freePorts } from './ports.ts';
import { makeTempFolder, removeTempFolder } from './temp-folder.ts';

export interface DovecotDoctorSite extends DoctorSite {
  readonly server: DovecotServer;
  readonly mailbox: Mailbox;
  close(): Promise<void>;
}

const biting = `
imap_id_send = name *
login_trusted_networks = 127.0.0.0/8
mail_max_userip_connections = 2
auth_failure_delay = 1 secs
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0600
  }
}`;

/** The settings of a site that offers all that a Dovecot speaks. */
export function allProtocols({ ports }: DovecotServer): Record<string, string> {
  return {
    POSTERN_PROTOCOLS: 'imaps,pop3s,managesieve,submission',
    POSTERN_POP3S_PORT: '0',
    POSTERN_MANAGESIEVE_PORT: '0',
    POSTERN_SUBMISSION_PORT: '0',
    POSTERN_SERVER_EX1_POP3_PORT: String(ports.pop3s),
    POSTERN_SERVER_EX1_MANAGESIEVE_PORT: String(ports.sieve),
    POSTERN_SERVER_EX1_SUBMISSION_PORT: String(ports.submission),
    POSTERN_SERVER_EX1_IDENTITY: 'imap:id,pop3:xclient,managesieve:xclient,submission:xclient',
  };
}

export interface DovecotDoctorSetup {
  /** Instead of an authority's own for ex1.test with sixty days. */
  readonly certificate?: { readonly certificatePath: string; readonly keyPath: string };
  readonly extra?: string;
}

/** Starts it; the settings are those of a good site. */
export async function startDoctorDovecot(setup: DovecotDoctorSetup = {}): Promise<DovecotDoctorSite> {
  const folder = await makeTempFolder('doctor');
  // Its processes run as other users, and must get to what is theirs in there.
  await chmod(folder, 0o711);
  const authority = await makeAuthority(folder);
  const issued = setup.certificate ?? (await authority.issue('ex1', ['ex1.test'], 60));
  const [relay = 0, ...free] = await freePorts(portNames.length + 1);
  const ports = portsOf(free);
  const mailbox = { user: 'probe1@doctor.test', password: 'secret', database: 'db1' };
  const server = new DovecotServer(
    {
      name: 'ex1',
      folder: join(folder, 'ex1'),
      ports,
      ...issued,
      databases: ['db1'],
      // Nothing listens there: nobody sends.
      relayPort: relay,
      extra: setup.extra ?? biting,
    },
    [mailbox],
  );
  await mkdir(join(folder, 'ex1'));
  await server.prepare(ports.doveadm);
  await server.mount('db1');
  await server.start();
  const close = async () => {
    await server.kill();
    removeTempFolder(folder);
  };
  return { folder, authority, settings: settingsOf(server, mailbox, authority), server, mailbox, close };
}

function settingsOf(
  { ports }: DovecotServer,
  { user, password, database }: Mailbox,
  { caPath }: Authority,
): Record<string, string> {
  return {
    POSTERN_SERVERS: 'ex1',
    POSTERN_SERVER_EX1_ADDRESS: '127.0.0.1',
    POSTERN_SERVER_EX1_FQDN: 'ex1.test',
    POSTERN_SERVER_EX1_IMAP_PORT: String(ports.imaps),
    POSTERN_SERVER_EX1_TLS_CA_PATH: caPath,
    POSTERN_SERVER_EX1_IDENTITY: 'imap:id',
    POSTERN_IMAP_BASELINE: 'IDLE',
    POSTERN_PROBE_ACCOUNTS: `${database} ${user} ${password}`,
    POSTERN_CONNECT_TIMEOUT: '1s',
    POSTERN_GREETING_TIMEOUT: '1s',
  };
}
