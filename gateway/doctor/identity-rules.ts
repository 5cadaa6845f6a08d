/** Who a server takes the gateway, and the clients behind it, for. PURE. */
import type { LoginProtocol } from '#model/protocol';
import type { Finding, FindingId } from './finding.ts';
import { identityLine, identityWord } from './mend.ts';
import type { PortObservation, ServerObservation, UsablePort } from './observation.ts';

export function identityFindings(
  server: ServerObservation,
  port: PortObservation,
  preset: string,
): Finding[] {
  const { seen } = port;
  if (seen.is !== 'usable') return [];
  const finding = (id: FindingId, what: string, mend: readonly string[]): Finding => ({
    id,
    server: server.server,
    protocols: [port.protocol],
    what,
    mend,
  });
  return [
    ...relayFindings(server, seen, finding),
    ...xclientFindings(server, port, finding),
    ...addressFindings(server, seen, finding),
    ...(isDovecot(port.protocol, seen, preset) ? dovecotFindings(server, port, finding) : []),
  ];
}

type Make = (id: FindingId, what: string, mend: readonly string[]) => Finding;

function relayFindings(observed: ServerObservation, seen: UsablePort, finding: Make): Finding[] {
  const { server } = observed;
  if (seen.relays !== true) return [];
  const address = addressOf(seen);
  return [
    finding('relay-open', `${server} would relay for ${address} without a login`, [
      `take ${address} out of mynetworks (Postfix, at ${server}), and keep it out of every list of hosts ` +
        'that may relay',
      `so that ${server} sees the clients: smtpd_authorized_xclient_hosts = ${address} there, and here ` +
        identityLine(observed, 'submission', 'xclient'),
    ]),
  ];
}

function xclientFindings(
  observed: ServerObservation,
  { protocol, identity, seen }: PortObservation,
  finding: Make,
): Finding[] {
  if (seen.is !== 'usable' || seen.takesXclient === 'untold') return [];
  const { server } = observed;
  const address = addressOf(seen);
  const word = identityWord(protocol);
  if (identity === 'xclient' && !seen.takesXclient) {
    return [
      finding('xclient-refused', `${server} takes no XCLIENT for ${word} from ${address}`, [
        // POP3 and ManageSieve have XCLIENT in Dovecot alone.
        protocol === 'submission' && !isDovecot(protocol, seen, '')
          ? `Postfix, at ${server}: smtpd_authorized_xclient_hosts = ${address}`
          : `Dovecot, at ${server}: login_trusted_networks = ${address}`,
      ]),
    ];
  }
  if (identity !== 'none' || !seen.takesXclient) return [];
  if (protocol === 'submission') {
    return [
      finding(
        'xclient-open',
        `${server} takes XCLIENT from ${address}, and so from all who log in through it`,
        openMends(observed, seen),
      ),
    ];
  }
  return [
    finding('xclient-unused', `${server} would take XCLIENT for ${word} from ${address}`, [
      identityLine(observed, protocol, 'xclient'),
    ]),
  ];
}

/**
 * Postfix judges who may send XCLIENT by the connection, once, and takes another behind ours: to use it
 * would not close it. By PROXY it judges the clients' own addresses.
 */
function openMends(observed: ServerObservation, seen: UsablePort): string[] {
  const { server } = observed;
  const [program, list, proxy] = isDovecot('submission', seen, '')
    ? ['Dovecot', 'login_trusted_networks in protocol submission', 'haproxy = yes']
    : ['Postfix', 'smtpd_authorized_xclient_hosts', 'smtpd_upstream_proxy_protocol = haproxy'];
  return [
    `${program}, at ${server}: take ${addressOf(seen)} out of ${list}`,
    `so that ${server} sees the clients all the same: a port there with ${proxy}, and here ` +
      identityLine(observed, 'submission', 'proxy-v2'),
  ];
}

function addressFindings({ server }: ServerObservation, seen: UsablePort, finding: Make): Finding[] {
  const { seenAddress, standing } = seen;
  if (seenAddress === null || seenAddress === standing.localAddress) return [];
  const what = `${server} sees the gateway as ${seenAddress}; here it is ${standing.localAddress}`;
  return [finding('address-translated', what, [`name ${seenAddress} in ${server}'s lists of addresses`])];
}

/** Without the clients' addresses; --deep measures what this may cost. */
function dovecotFindings(
  observed: ServerObservation,
  { protocol, identity, seen }: PortObservation,
  finding: Make,
): Finding[] {
  const { server, logins } = observed;
  if (seen.is !== 'usable' || identity !== 'none' || logins.is === 'seen') return [];
  // Reported as that, with the same mend.
  if (seen.takesXclient === true) return [];
  const way = protocol === 'imap' ? 'id' : 'xclient';
  return [
    finding('one-address', `${server} counts ${addressOf(seen)} for all users of ${identityWord(protocol)}`, [
      `Dovecot, at ${server}: login_trusted_networks = ${addressOf(seen)}`,
      identityLine(observed, protocol, way),
    ]),
  ];
}

/** What takes mail beside a Dovecot is often another program: of submission the preset tells nothing. */
function isDovecot(protocol: LoginProtocol, { product }: UsablePort, preset: string): boolean {
  if (product !== null) return /dovecot/i.test(product);
  return protocol !== 'submission' && preset.startsWith('dovecot');
}

/** As the server would have to write it. */
function addressOf({ seenAddress, standing }: UsablePort): string {
  return seenAddress ?? standing.localAddress;
}
