/** The servers: how each is reached, from its own settings or those of all servers. */
import type { ServerId } from '#model/ids';
import { type LoginProtocol, loginProtocols } from '#model/protocol';
import type { Identity } from '#model/routing-table';
import { serverSetting } from './env-name.ts';
import { offeredProtocols } from './frontends.ts';
import type { Part } from './part.ts';
import type { Problem } from './problem.ts';
import { type SettingPlace, serverTrust } from './server-trust.ts';
import type { ServerPort, ServerSettings } from './settings.ts';
import type { Values } from './values.ts';

/** Every server of POSTERN_SERVERS; what is wrong with one is added to the part's problems. */
export function serverSettings(part: Part): ServerSettings[] {
  const { values, problems } = part;
  const names = values.list('POSTERN_SERVERS');
  if (!values.isSet('POSTERN_SERVERS')) {
    problems.push({
      setting: 'POSTERN_SERVERS',
      problem: 'is not set',
      mend: 'name the servers: POSTERN_SERVERS=ex1,ex2',
    });
  }
  const servers = names.map((name) => serverOf(name, part));
  problems.push(...sameEndpoints(servers), ...sameNames(servers));
  return servers;
}

function serverOf(name: string, part: Part): ServerSettings {
  const { values, problems } = part;
  const placeOf = (suffix: string): SettingPlace => placeFor(name, suffix, values);
  const setting = (suffix: string): string => placeOf(suffix).name;
  const protocols = protocolPorts(setting, part);
  const hasTls = Object.values(protocols).some(({ tls }) => tls !== 'off');
  if (name.includes('.') || name.includes('_') || name.includes(' ')) problems.push(badServerName(name));
  for (const suffix of hasTls ? ['ADDRESS', 'FQDN'] : ['ADDRESS']) {
    const own = serverSetting(name, suffix);
    if (!values.isSet(own)) problems.push(missing(own, suffix));
  }
  return {
    id: name as ServerId,
    address: values.text(serverSetting(name, 'ADDRESS')) ?? '',
    fqdn: values.text(serverSetting(name, 'FQDN')) ?? name,
    weight: values.number(setting('WEIGHT')) ?? 0,
    trust: serverTrust(placeOf, hasTls, part),
    protocols,
  };
}

/** A port for each protocol that is offered, and for IMAP where probe accounts log in. */
function protocolPorts(
  setting: (suffix: string) => string,
  { values, problems }: Part,
): ServerSettings['protocols'] {
  const offered = offeredProtocols(values);
  const isNeeded = (protocol: LoginProtocol): boolean =>
    offered.has(protocol) || (protocol === 'imap' && values.isSet('POSTERN_PROBE_ACCOUNTS'));
  const general = tlsOf(values.text(setting('TLS')));
  const identities = values.list(setting('IDENTITY'));
  problems.push(...ambiguousIdentity(setting('IDENTITY'), identities, problems));
  const ports = loginProtocols.filter(isNeeded).map((protocol): [LoginProtocol, ServerPort] => {
    const { word, ports: usual, isUpgraded } = protocolWords[protocol];
    const own = values.text(setting(`${word}_TLS`));
    const tls = own === undefined ? (isUpgraded && general !== 'off' ? 'starttls' : general) : tlsOf(own);
    const port =
      values.number(setting(`${word}_PORT`)) ?? (tls === 'implicit' ? usual.implicit : usual.clear);
    return [protocol, { port, tls, identity: identityOf(word.toLowerCase(), identities) }];
  });
  return Object.fromEntries(ports);
}

function identityOf(protocol: string, identities: readonly string[]): Identity {
  const way = identities.find((word) => word.startsWith(`${protocol}:`))?.slice(protocol.length + 1);
  return way === 'id' || way === 'xclient' || way === 'proxy-v1'
    ? way
    : way === 'proxy'
      ? 'proxy-v2'
      : 'none';
}

/** A server is told a client in one way. What stands in the setting of all servers is said once. */
function ambiguousIdentity(
  setting: string,
  words: readonly string[],
  earlier: readonly Problem[],
): Problem[] {
  if (earlier.some((problem) => problem.setting === setting)) return [];
  const others = words.filter((word) => word !== 'none');
  if (others.length > 0 && others.length < words.length) {
    const problem = `has none beside ${others.join(' and ')}`;
    return [{ setting, problem, mend: 'leave none out, or the others' }];
  }
  const second = others.find((word, at) => others.findIndex(sameProtocolAs(word)) < at);
  if (second === undefined) return [];
  const ways = others.filter(sameProtocolAs(second));
  const problem = `has ${ways.join(' and ')}: ${ways.length} ways for ${second.split(':')[0]}`;
  return [{ setting, problem, mend: 'keep one of them' }];
}

function sameProtocolAs(word: string): (other: string) => boolean {
  const start = `${word.split(':')[0]}:`;
  return (other) => other.startsWith(start);
}

interface ProtocolWords {
  /** As in the names of settings. */
  readonly word: string;
  readonly ports: { readonly implicit: number; readonly clear: number };
  /** True: servers speak it on a port with STARTTLS, whatever they do for mailboxes. */
  readonly isUpgraded: boolean;
}

const protocolWords: Readonly<Record<LoginProtocol, ProtocolWords>> = {
  imap: { word: 'IMAP', ports: { implicit: 993, clear: 143 }, isUpgraded: false },
  pop3: { word: 'POP3', ports: { implicit: 995, clear: 110 }, isUpgraded: false },
  sieve: { word: 'MANAGESIEVE', ports: { implicit: 4190, clear: 4190 }, isUpgraded: true },
  submission: { word: 'SUBMISSION', ports: { implicit: 465, clear: 587 }, isUpgraded: true },
};

function placeFor(server: string, suffix: string, values: Values): SettingPlace {
  const own = serverSetting(server, suffix);
  return values.isSet(own) ? { name: own, isOwn: true } : { name: `POSTERN_SERVER_${suffix}`, isOwn: false };
}

function tlsOf(word: string | undefined): ServerPort['tls'] {
  return word === 'starttls' || word === 'off' ? word : 'implicit';
}

function missing(setting: string, suffix: string): Problem {
  const example = suffix === 'ADDRESS' ? '10.1.0.11' : 'ex1.corp.example';
  return { setting, problem: 'is not set', mend: `write, for example, ${setting}=${example}` };
}

function badServerName(name: string): Problem {
  return {
    setting: 'POSTERN_SERVERS',
    problem: `has the name ${name}`,
    mend: 'use letters, digits and "-" only; the full name goes into its _FQDN',
  };
}

function sameEndpoints(servers: readonly ServerSettings[]): Problem[] {
  return doubles(servers, ({ address, protocols }) =>
    address === '' ? [] : Object.values(protocols).map(({ port }) => `${address} port ${port}`),
  ).map(({ first, second, key }) => ({
    setting: serverSetting(second.id, 'ADDRESS'),
    problem: `is ${key}, as that of ${first.id}`,
    mend: 'give each server its own address or port',
  }));
}

/** Copy sources name servers by id, full name or first label: one name must mean one server. */
function sameNames(servers: readonly ServerSettings[]): Problem[] {
  return doubles(servers, ({ id, fqdn }) => [...new Set([id, fqdn, fqdn.split('.')[0] ?? ''])]).map(
    ({ first, second, key }) => ({
      setting: serverSetting(second.id, 'FQDN'),
      problem: `makes ${key} a name of both ${first.id} and ${second.id}`,
      mend: 'correct it, so that claims about the one are not taken for the other',
    }),
  );
}

interface Double {
  readonly first: ServerSettings;
  readonly second: ServerSettings;
  readonly key: string;
}

function doubles(servers: readonly ServerSettings[], keysOf: (server: ServerSettings) => string[]): Double[] {
  const seen = new Map<string, ServerSettings>();
  const found: Double[] = [];
  for (const second of servers) {
    for (const key of keysOf(second)) {
      const first = seen.get(key);
      if (first === undefined) seen.set(key, second);
      else if (!found.some((earlier) => earlier.second === second)) found.push({ first, second, key });
    }
  }
  return found;
}
