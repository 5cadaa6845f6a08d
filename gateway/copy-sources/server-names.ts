/** Which server a copy source means: by id, full name, or the first label of that, whatever the case. */
import type { ServerId } from '#model/ids';

export interface NamedServer {
  readonly id: ServerId;
  readonly fqdn: string;
}

export type ServerIdOf = (name: string) => ServerId | undefined;

/** The settings refuse two servers that share a name, so a name means one server or none. */
export function serverNames(servers: readonly NamedServer[]): ServerIdOf {
  const ids = new Map<string, ServerId>();
  for (const { id, fqdn } of servers) {
    const full = fqdn.toLowerCase();
    for (const name of [id, full, full.split('.')[0] ?? full]) ids.set(name, id);
  }
  return (name) => ids.get(name.trim().toLowerCase());
}
