/** The names of settings, as a finding tells an operator to write them. PURE. */
import { serverSetting } from '#gateway/settings/env-name';
import type { LoginProtocol } from '#model/protocol';
import type { Identity } from '#model/routing-table';
import type { PortObservation, ServerObservation } from './observation.ts';

/** A protocol's word within the names of settings. */
const words: Readonly<Record<LoginProtocol, string>> = {
  imap: 'IMAP',
  pop3: 'POP3',
  sieve: 'MANAGESIEVE',
  submission: 'SUBMISSION',
};

/** `POSTERN_SERVER_EX1_POP3_PORT`. */
export function portSetting(server: string, protocol: LoginProtocol, suffix: 'PORT' | 'TLS'): string {
  return serverSetting(server, `${words[protocol]}_${suffix}`);
}

/** `POSTERN_POP3_BASELINE`. */
export function baselineSetting(protocol: LoginProtocol): string {
  return `POSTERN_${words[protocol]}_BASELINE`;
}

/** A protocol as POSTERN_SERVER_IDENTITY has it. */
export function identityWord(protocol: LoginProtocol): string {
  return words[protocol].toLowerCase();
}

/**
 * `POSTERN_SERVER_EX1_IDENTITY=imap:id,submission:xclient`: a server's own list takes the place of the one of
 * all servers, so what stands in force is in it beside the new way.
 */
export function identityLine(server: ServerObservation, protocol: LoginProtocol, way: Identity): string {
  const inForce = server.ports.filter((port) => port.protocol !== protocol).map(identityItem);
  const items = [...inForce.flat(), ...identityItem({ protocol, identity: way })];
  return `${serverSetting(server.server, 'IDENTITY')}=${items.join(',')}`;
}

/** None of it stands in the list for `none`, which says that of all protocols. */
function identityItem({ protocol, identity }: Pick<PortObservation, 'protocol' | 'identity'>): string[] {
  return identity === 'none' ? [] : [`${identityWord(protocol)}:${identityWays[identity]}`];
}

/** Ways as POSTERN_SERVER_IDENTITY has them. */
const identityWays: Readonly<Record<Exclude<Identity, 'none'>, string>> = {
  id: 'id',
  xclient: 'xclient',
  'proxy-v1': 'proxy-v1',
  'proxy-v2': 'proxy',
};
