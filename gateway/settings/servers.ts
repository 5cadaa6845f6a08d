/** The servers: how each is reached, from its own settings or those of all servers. */
import type { ServerId } from '#model/ids';
import { serverSetting } from './env-name.ts';
import type { Part } from './part.ts';
import type { Problem } from './problem.ts';
import type { ServerSettings } from './settings.ts';
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
  const { values, surroundings, problems } = part;
  const setting = (suffix: string): string => settingFor(name, suffix, values);
  const tls = tlsOf(values.text(setting('TLS')));
  if (name.includes('.') || name.includes('_') || name.includes(' ')) problems.push(badServerName(name));
  for (const suffix of tls === 'off' ? ['ADDRESS'] : ['ADDRESS', 'FQDN']) {
    const own = serverSetting(name, suffix);
    if (!values.isSet(own)) problems.push(missing(own, suffix));
  }
  return {
    id: name as ServerId,
    address: values.text(serverSetting(name, 'ADDRESS')) ?? '',
    fqdn: values.text(serverSetting(name, 'FQDN')) ?? name,
    weight: values.number(setting('WEIGHT')) ?? 0,
    tls,
    caPem: tls === 'off' ? '' : caPem(setting('TLS_CA_PATH'), part, surroundings.rootsPem),
    imapPort: values.number(setting('IMAP_PORT')) ?? (tls === 'implicit' ? 993 : 143),
    trustsImapId: values.list(setting('IDENTITY')).includes('imap:id'),
  };
}

/** The server's own setting where there is one, else the one of all servers. */
function settingFor(server: string, suffix: string, values: Values): string {
  const own = serverSetting(server, suffix);
  return values.isSet(own) ? own : `POSTERN_SERVER_${suffix}`;
}

function tlsOf(word: string | undefined): ServerSettings['tls'] {
  return word === 'starttls' || word === 'off' ? word : 'implicit';
}

function caPem(setting: string, { values, surroundings, problems }: Part, rootsPem: string): string {
  const path = values.text(setting);
  if (path === undefined) return rootsPem;
  const file = surroundings.readFile(path);
  if ('trouble' in file) {
    problems.push({
      setting,
      problem: `can't be used: ${file.trouble}`,
      mend: 'name a file that this user can read',
    });
    return '';
  }
  if (/-----BEGIN CERTIFICATE-----/.test(file.text)) return file.text;
  problems.push({
    setting,
    problem: `names ${path}, which holds no certificate`,
    mend: 'name a PEM file of authorities',
  });
  return '';
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
  return doubles(servers, ({ address, imapPort }) =>
    address === '' ? [] : [`${address} port ${imapPort}`],
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
