/** What logins met with that were made to find out (`--deep`). PURE. */
import type { Finding } from './finding.ts';
import { identityLine } from './mend.ts';
import type { LoginsObserved, PortObservation, ServerObservation } from './observation.ts';

export function loginFindings(server: ServerObservation): Finding[] {
  const { logins } = server;
  if (logins.is === 'unasked') return [];
  if (logins.is === 'untold') {
    return [
      {
        id: 'not-finished',
        server: server.server,
        protocols: ['imap'],
        what: `${server.server}: the limits of logins were not tried: ${logins.why}`,
        mend: ['name an account of a database that is active there in POSTERN_PROBE_ACCOUNTS'],
      },
    ];
  }
  return [...limitFindings(server, logins), ...penaltyFindings(server, logins)];
}

type Logins = Extract<LoginsObserved, { is: 'seen' }>;

function limitFindings(server: ServerObservation, { user, tried, stood, refusal }: Logins): Finding[] {
  if (stood === tried) return [];
  const what =
    `${server.server} let in ${stood} of ${tried} sessions that ${user} began at once` +
    (refusal === undefined ? '' : `: ${refusal}`);
  const raise =
    `Dovecot, at ${server.server}: mail_max_userip_connections = ${connectionsWanted} ` + 'in protocol imap';
  return [
    {
      id: 'connections-limited',
      server: server.server,
      protocols: ['imap'],
      what,
      mend: [...trustMends(server), trustMends(server).length > 0 ? `or ${raise}` : raise],
    },
  ];
}

function penaltyFindings(server: ServerObservation, { failuresMs }: Logins): Finding[] {
  if (!slowsDown(failuresMs)) return [];
  const times = failuresMs.map((ms) => `${(ms / 1000).toFixed(1)}s`).join(', ');
  const off =
    `Dovecot, at ${server.server}: service anvil { unix_listener anvil-auth-penalty { mode = 0 } }, ` +
    'and let the gateway slow down those who fail';
  return [
    {
      id: 'logins-slowed',
      server: server.server,
      protocols: ['imap'],
      what: `${server.server} refused wrong passwords after ${times}`,
      mend: [...trustMends(server), trustMends(server).length > 0 ? `or ${off}` : off],
    },
  ];
}

/** A server that waits a fixed time before each refusal is no trouble to others; one that waits longer is. */
export function slowsDown(failuresMs: readonly number[]): boolean {
  const [first = 0, ...later] = failuresMs;
  return Math.max(first, ...later) >= slowMs || later.some((ms) => ms - first >= growthMs);
}

/** So that the server counts clients and not the gateway: the best mend for both. */
function trustMends(server: ServerObservation): string[] {
  const imap = server.ports.find(({ protocol }) => protocol === 'imap');
  const address = imap === undefined ? undefined : localAddressOf(imap);
  if (address === undefined) return [];
  const trust = `Dovecot, at ${server.server}: login_trusted_networks = ${address}`;
  if (imap?.identity === 'id') return [trust];
  return [trust, `and here ${identityLine(server, 'imap', 'id')}`];
}

function localAddressOf({ seen }: PortObservation): string | undefined {
  return seen.is === 'usable' ? (seen.seenAddress ?? seen.standing.localAddress) : undefined;
}

/** Dovecot's own penalty doubles from 4 s; less is noise. */
const growthMs = 1_500;
/** A penalty that had grown before we came: nobody waits so long on purpose (Dovecot's own ends at 15 s). */
const slowMs = 8_000;
/** What a family's devices behind one address may come to, and a mail program opens five for each. */
const connectionsWanted = 100;
