/** What `postern check` says of TLS that is weaker than it could be: who can read what, and forge what. */
import { serverSetting } from './env-name.ts';
import type { ServerSettings, Settings, TlsProfile } from './settings.ts';

/** By the setting that is in force, one text each. `isSet`: whether a name stands in the environment. */
export function tlsWarnings(settings: Settings, isSet: (name: string) => boolean): Map<string, string> {
  const found = new Map<string, string[]>();
  const add = (name: string, whom: string): void => void found.set(name, [...(found.get(name) ?? []), whom]);
  const warnings = new Map<string, string>();
  const say = (words: (whom: string) => string): void => {
    for (const [name, whom] of found) warnings.set(name, words(whom.join(', ')));
    found.clear();
  };

  const nameOf = ({ id }: ServerSettings, suffix: string): string => {
    const own = serverSetting(id, suffix);
    return isSet(own) ? own : `POSTERN_SERVER_${suffix}`;
  };
  const servers = settings.servers.filter(({ protocols }) => Object.keys(protocols).length > 0);
  for (const server of servers) if (hasClearText(server)) add('POSTERN_SERVER_TLS', server.id);
  say((whom) => `passwords go to ${whom} in clear`);

  const encrypted = servers.filter(({ protocols }) =>
    Object.values(protocols).some(({ tls }) => tls !== 'off'),
  );
  for (const server of encrypted)
    if (server.trust.verify === 'any') add(nameOf(server, 'TLS_VERIFY'), server.id);
  say((whom) => `any certificate is taken for ${whom}: who can answer in its place reads every password`);

  for (const profile of ['compatible', 'legacy'] as const) {
    for (const server of encrypted) {
      if (server.trust.profile === profile) add(nameOf(server, 'TLS_PROFILE'), server.id);
    }
    say((whom) => `${weakness[profile]} (to ${whom})`);
  }
  const listeners = (['compatible', 'legacy'] as const).flatMap((profile) => {
    const names = settings.frontends
      .filter(({ tlsProfile }) => tlsProfile === profile)
      .map(({ name }) => name);
    return names.length === 0 ? [] : `${weakness[profile]} (at ${names.join(', ')})`;
  });
  if (listeners.length > 0) warnings.set('POSTERN_TLS_PROFILE', listeners.join('; '));
  return warnings;
}

function hasClearText({ protocols }: ServerSettings): boolean {
  return Object.values(protocols).some(({ tls }) => tls === 'off');
}

const weakness: Readonly<Record<Exclude<TlsProfile, 'modern'>, string>> = {
  compatible: 'RSA key exchange is allowed: who records the traffic and gets the key later reads all of it',
  legacy:
    'TLS 1.0 and 3DES are allowed: who records the traffic and gets the key later reads all of it, and who ' +
    'stands in between has a chance to read or forge some of it',
};
