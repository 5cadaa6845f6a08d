/**
 * Exchange: the commands that make room for a gateway, whose users all come from its few addresses. Nothing
 * of it can be seen from outside, so they are given whenever the preset is Exchange's. PURE.
 */
import type { Finding } from './finding.ts';
import type { LoginProtocol } from '#model/protocol';
import type { PortObservation, ServerObservation } from './observation.ts';

export function exchangeFindings(server: ServerObservation, preset: string): Finding[] {
  if (preset !== 'exchange' && preset !== 'exchange-2010') return [];
  const addresses = addressesOf(server);
  if (addresses.length === 0) return [];
  return server.ports.flatMap((port) => findingsFor(server, port, addresses, preset));
}

function findingsFor(
  server: ServerObservation,
  { protocol, port, seen }: PortObservation,
  addresses: readonly string[],
  preset: string,
): Finding[] {
  if (seen.is === 'unfinished') return [];
  if (protocol === 'submission') {
    return [
      {
        id: 'exchange-receive-connector',
        server: server.server,
        protocols: [protocol],
        what: `${server.server}: a receive connector for ${addresses.join(', ')}`,
        mend: receiveConnector(server, port, addresses, preset === 'exchange-2010'),
      },
    ];
  }
  const name = cmdlets[protocol];
  if (name === undefined) return [];
  return [
    {
      id: 'exchange-connections',
      server: server.server,
      protocols: [protocol],
      what: `${server.server}: room for the sessions of all users from ${addresses.join(', ')}`,
      mend: connectionLimits(server, name, preset === 'exchange-2010'),
    },
  ];
}

/**
 * A connector of its own: a change to the shipped one would hold for everybody. It gives no right to relay;
 * users log in, as they do without the gateway. Exchange 2010 has one transport role and no such parameter.
 */
function receiveConnector(
  server: ServerObservation,
  port: number,
  addresses: readonly string[],
  is2010: boolean,
): string[] {
  const name = machineName(server);
  const bindings = server.address.includes(':') ? `[::]:${port}` : `0.0.0.0:${port}`;
  const role = is2010 ? '' : ' -TransportRole FrontendTransport';
  return [
    `New-ReceiveConnector -Name "Postern" -Server ${name}${role} -Usage Custom -Bindings ${bindings} ` +
      `-RemoteIPRanges ${addresses.join(',')} -AuthMechanism Tls,BasicAuth,BasicAuthRequireTLS ` +
      '-PermissionGroups ExchangeUsers',
    `Set-ReceiveConnector "${name}\\Postern" -MaxInboundConnectionPerSource Unlimited ` +
      '-MaxInboundConnectionPercentagePerSource 100 -MaxInboundConnection Unlimited ' +
      '-MessageRateSource User',
  ];
}

/**
 * The services read their settings at their start. Exchange 2010 has 2,000 connections as shipped and takes
 * 25,000 at most; later ones have no bound as shipped.
 */
function connectionLimits(server: ServerObservation, { cmdlet, service }: Cmdlet, is2010: boolean): string[] {
  const name = machineName(server);
  const limits = is2010
    ? '-MaxConnections 25000 -MaxConnectionFromSingleIP 25000'
    : '-MaxConnectionFromSingleIP 2147483647';
  return [
    `${cmdlet} -Server ${name} ${limits} -MaxConnectionsPerUser 40`,
    `Invoke-Command ${name} { Restart-Service ${service} }`,
  ];
}

interface Cmdlet {
  readonly cmdlet: string;
  readonly service: string;
}

const cmdlets: Readonly<Partial<Record<LoginProtocol, Cmdlet>>> = {
  imap: { cmdlet: 'Set-ImapSettings', service: 'MSExchangeImap4' },
  pop3: { cmdlet: 'Set-PopSettings', service: 'MSExchangePop3' },
};

/** Exchange names its servers by the machine's own name. */
function machineName({ fqdn }: ServerObservation): string {
  return (fqdn.split('.')[0] ?? fqdn).toUpperCase();
}

/** The gateway's addresses as this server has seen them. */
function addressesOf({ ports, sources }: ServerObservation): string[] {
  const used = ports.flatMap(({ seen }) => {
    if (seen.is === 'usable') return [seen.seenAddress ?? seen.standing.localAddress];
    return seen.is === 'unusable' && seen.standing !== undefined ? [seen.standing.localAddress] : [];
  });
  return [...new Set([...sources, ...used])];
}
