/** What servers offer against what clients are promised. PURE. */
import { type LoginProtocol, loginProtocols } from '#model/protocol';
import type { Finding } from './finding.ts';
import { baselineSetting } from './mend.ts';
import type { PortObservation, ServerObservation, SiteObservation, UsablePort } from './observation.ts';

/** Items of the baseline that the server lacks: it is down for that protocol. */
export function offerFindings({ server }: ServerObservation, { protocol, seen }: PortObservation): Finding[] {
  if (seen.is !== 'usable' || seen.lacks.length === 0) return [];
  return [
    {
      id: 'baseline-missing',
      server,
      protocols: [protocol],
      what: `${server} ${protocol} ${lacking(seen.lacks)}`,
      mend: [`switch it on at ${server}, or take it out of ${baselineSetting(protocol)}`],
    },
  ];
}

/** `offers no IDLE, UIDPLUS`. */
function lacking(lacks: readonly string[]): string {
  const absent = 'offers no ';
  if (!lacks.every((why) => why.startsWith(absent))) return lacks.join(', ');
  return absent + lacks.map((why) => why.slice(absent.length)).join(', ');
}

/** What every server offers and clients would use before they log in, but are not told. */
export function couldGrow({ servers, baselines }: Pick<SiteObservation, 'servers' | 'baselines'>): Finding[] {
  return loginProtocols.flatMap((protocol) => {
    const told = baselines[protocol];
    const ports = servers.flatMap(({ ports: all }) => all.filter((port) => port.protocol === protocol));
    const usable = ports.flatMap(({ seen }): UsablePort[] => (seen.is === 'usable' ? [seen] : []));
    // Where one server could not be asked nobody knows what all of them offer.
    if (told === undefined || usable.length === 0 || usable.length < ports.length) return [];
    const [first, ...others] = usable.map(({ capabilities }) => capabilities);
    const items = (first ?? []).filter(
      (item) =>
        usefulItems[protocol].test(item) &&
        !told.includes(item) &&
        others.every((each) => each.includes(item)),
    );
    if (items.length === 0) return [];
    return [
      {
        id: 'baseline-could-grow' as const,
        server: undefined,
        protocols: [protocol],
        what: `all servers offer ${items.join(', ')} in ${protocol}`,
        mend: [`${baselineSetting(protocol)}=${[...told, ...items].join(',')}`],
      },
    ];
  });
}

/**
 * What is worth telling before the login: ways to log in that a front can carry, and what programs decide
 * by at the start. None that a front says by itself, whatever its baseline: POP3's RESP-CODES is one.
 */
const usefulItems: Readonly<Record<LoginProtocol, RegExp>> = {
  imap: /^(AUTH=XOAUTH2|AUTH=OAUTHBEARER|IDLE|NAMESPACE|UIDPLUS|MOVE)$/,
  pop3: /^(AUTH=XOAUTH2|AUTH=OAUTHBEARER|TOP|UIDL|PIPELINING)$/,
  sieve: /^(AUTH=XOAUTH2|AUTH=OAUTHBEARER|SIEVE=.+|NOTIFY=.+)$/,
  submission: /^(AUTH=XOAUTH2|AUTH=OAUTHBEARER|DSN|SMTPUTF8|CHUNKING)$/,
};
