/** The configuration of one Dovecot 2.3 server that plays a mail server with database copies. Text only. */

export interface DovecotSetup {
  readonly name: string;
  /** Everything of the server lies here: mail, sockets, log. */
  readonly folder: string;
  readonly ports: DovecotPorts;
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly databases: readonly string[];
  /** Of its own unless given. Two servers that write to one file tell which of them was first. */
  readonly logPath?: string;
  /** Where it relays what its users send; without one it takes no mail of them. */
  readonly relayPort?: number;
  /** Lines that stand last, and so win. */
  readonly extra?: string;
}

export interface DovecotPorts {
  readonly imap: number;
  readonly imaps: number;
  /** With a PROXY header before all else: STARTTLS, and TLS from the first byte. */
  readonly proxiedImap: number;
  readonly proxiedImaps: number;
  /** Replication talks to the other server's doveadm. */
  readonly doveadm: number;
  readonly pop3: number;
  readonly pop3s: number;
  readonly sieve: number;
  /** Mail of users, in clear and with STARTTLS. */
  readonly submission: number;
  /** SASL over TCP, for a Postfix beside it. */
  readonly sasl: number;
}

/** What a server listens on. */
export const portNames = [
  'imap',
  'imaps',
  'proxiedImap',
  'proxiedImaps',
  'doveadm',
  'pop3',
  'pop3s',
  'sieve',
  'submission',
  'sasl',
] as const satisfies readonly (keyof DovecotPorts)[];

/** One for each name, from the beginning of the list. */
export function portsOf(ports: readonly number[]): DovecotPorts {
  return Object.fromEntries(portNames.map((name, index) => [name, ports[index]])) as unknown as DovecotPorts;
}

/** Nobody's numbers: Dovecot wants a user for mail, but no such user needs to exist. */
export const mailUid = 5000;
export const doveadmPassword = 'between-test-servers';

/** The whole dovecot.conf. */
export function dovecotConfig(setup: DovecotSetup): string {
  return [
    general(setup),
    ...setup.databases.map((database) => passdb(setup, database)),
    users(setup),
    services(setup),
    otherDoors(setup),
    ...(setup.relayPort === undefined ? [] : [submission(setup, setup.relayPort)]),
    setup.extra ?? '',
  ].join('\n');
}

function general({ name, folder, certificatePath, keyPath, logPath }: DovecotSetup): string {
  return `
base_dir = ${folder}/run
state_dir = ${folder}/run/state
instance_name = ${name}
log_path = ${logPath ?? `${folder}/dovecot.log`}
listen = 127.0.0.1
hostname = ${name}.test
protocols = imap pop3 sieve
# Who the client is, by XCLIENT, is believed of a gateway on this machine.
login_trusted_networks = 127.0.0.1
shutdown_clients = yes
login_greeting = ${name} ready
ssl = yes
ssl_cert = <${certificatePath}
ssl_key = <${keyPath}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Lu
# No waiting after a refused password: everyone comes from one address, and tests refuse on purpose.
auth_failure_delay = 0
haproxy_trusted_networks = 127.0.0.0/8
mail_uid = ${mailUid}
mail_gid = ${mailUid}
first_valid_uid = ${mailUid}
# Sessions reach the mail by live/DATABASE, a link that is there while the database is mounted.
mail_location = maildir:${folder}/live/%{userdb:database}/%n/Maildir
mail_max_userip_connections = 2000
mail_plugins = notify replication
imap_id_send = name ${name}
login_log_format_elements = user=<%u> method=%m rip=%r rport=%b lip=%l lport=%a mpid=%e %c %k
doveadm_password = ${doveadmPassword}
replication_max_conns = 4
replication_dsync_parameters = -d -N -l 30 -U
namespace inbox {
  inbox = yes
}
plugin {
  mail_replica =
  sieve = file:~/sieve;active=~/active-sieve
}
# Replication reaches the copy itself, mounted or not.
protocol doveadm {
  mail_location = maildir:~/Maildir
}`;
}

/** One file a database: full where the server has it mounted, else empty, and its users are refused. */
function passdb({ folder }: DovecotSetup, database: string): string {
  return `
passdb {
  driver = passwd-file
  args = ${folder}/mounted/${database}
}`;
}

function users({ folder }: DovecotSetup): string {
  return `
userdb {
  driver = passwd-file
  args = ${folder}/users
}`;
}

function services(setup: DovecotSetup): string {
  const { ports } = setup;
  return `${logins(setup)}
service imap {
  process_limit = 1000
}
service doveadm {
  inet_listener {
    port = ${ports.doveadm}
  }
}
service replicator {
  process_min_avail = 1
  unix_listener replicator-doveadm {
    mode = 0666
  }
}
service aggregator {
  unix_listener replication-notify {
    mode = 0666
  }
  fifo_listener replication-notify-fifo {
    mode = 0666
  }
}
service anvil {
  client_limit = 4100
  # Without the penalty socket no address is slowed down for failed logins: they all come from one.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 4100
  unix_listener auth-userdb {
    mode = 0666
  }
  inet_listener {
    port = ${ports.sasl}
  }
}
service stats {
  client_limit = 2000
}
`;
}

function logins({ ports }: DovecotSetup): string {
  return `
service imap-login {
  service_count = 0
  process_min_avail = 1
  process_limit = 2
  client_limit = 2000
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
  inet_listener imap-proxied {
    port = ${ports.proxiedImap}
    haproxy = yes
  }
  inet_listener imaps-proxied {
    port = ${ports.proxiedImaps}
    ssl = yes
    haproxy = yes
  }
}`;
}

/** The doors beside IMAP. */
function otherDoors({ ports }: DovecotSetup): string {
  return `
service pop3-login {
  service_count = 0
  process_limit = 2
  client_limit = 2000
  inet_listener pop3 {
    port = ${ports.pop3}
  }
  inet_listener pop3s {
    port = ${ports.pop3s}
    ssl = yes
  }
}
service pop3 {
  process_limit = 1000
}
service managesieve-login {
  service_count = 0
  process_limit = 2
  client_limit = 2000
  inet_listener sieve {
    port = ${ports.sieve}
  }
}
service managesieve {
  process_limit = 1000
}
`;
}

function submission({ ports }: DovecotSetup, relayPort: number): string {
  return `
protocols = $protocols submission
submission_relay_host = 127.0.0.1
submission_relay_port = ${relayPort}
service submission-login {
  inet_listener submission {
    port = ${ports.submission}
  }
}
`;
}
