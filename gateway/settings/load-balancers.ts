/** Load balancers in front: which frontends they bring clients to, and whose word counts. */
import type { Part } from './part.ts';

/** The frontends of POSTERN_PROXY_PROTOCOL; each must be offered, and somebody trusted to come by it. */
export function proxiedFrontends({ values, problems }: Part): ReadonlySet<string> {
  const names = values.list('POSTERN_PROXY_PROTOCOL');
  const offered = values.list('POSTERN_PROTOCOLS');
  for (const name of names.filter((each) => !offered.includes(each))) {
    problems.push({
      setting: 'POSTERN_PROXY_PROTOCOL',
      problem: `has ${name}, which POSTERN_PROTOCOLS does not offer`,
      mend: 'leave it out, or offer it',
    });
  }
  if (names.length > 0 && !values.isSet('POSTERN_TRUSTED_PROXIES')) {
    problems.push({
      setting: 'POSTERN_TRUSTED_PROXIES',
      problem: 'is not set, and POSTERN_PROXY_PROTOCOL is: nobody could connect there',
      mend: 'name the addresses or networks of the load balancers',
    });
  }
  return new Set(names);
}
