/**
 * Every finding of the doctor, one row each: how bad it is, and why it matters. docs/doctor.md has the same
 * table, compared by a test. The ids are for scripts that read `--json`, and never change. PURE.
 */
import type { LoginProtocol } from '#model/protocol';

/**
 * `fault`: users are kept out, or mail is open to abuse. `warning`: it will bite some day, or some users.
 * `hint`: worth knowing; nothing is wrong.
 */
export type Severity = 'fault' | 'warning' | 'hint';

export interface FindingKind {
  readonly severity: Severity;
  /** What was found, for the docs. */
  readonly about: string;
  /** Why it matters. */
  readonly why: string;
}

const kinds = {
  unreachable: {
    severity: 'fault',
    about: 'a server refuses the connection, or does not answer',
    why: 'no session gets to this server, and its databases are served by nobody or by others',
  },
  'tls-failed': {
    severity: 'fault',
    about: 'TLS does not come about, whatever the certificate',
    why: 'no password is sent without TLS, so no session gets to this server',
  },
  'no-starttls': {
    severity: 'fault',
    about: 'a server that must turn to TLS offers no STARTTLS (STLS)',
    why: 'no password is sent without TLS, so no session gets to this server',
  },
  'certificate-name': {
    severity: 'fault',
    about: 'the certificate is for another name than POSTERN_SERVER_<NAME>_FQDN',
    why: 'it could be anybody who answers there, so no session gets to this server',
  },
  'certificate-issuer': {
    severity: 'fault',
    about: 'no authority that we know has signed the certificate',
    why: 'it could be anybody who answers there, so no session gets to this server',
  },
  'certificate-dates': {
    severity: 'fault',
    about: 'the certificate has expired, or is not valid yet',
    why: 'no session gets to this server',
  },
  'certificate-pin': {
    severity: 'fault',
    about: 'the certificate is none of those that are pinned',
    why: 'it could be anybody who answers there, so no session gets to this server',
  },
  'certificate-refused': {
    severity: 'fault',
    about: 'the certificate is not accepted for another reason',
    why: 'no session gets to this server',
  },
  'baseline-missing': {
    severity: 'fault',
    about: 'a server lacks an item that clients are promised before the login',
    why: 'clients may use what they were promised, so the server counts as down for this protocol',
  },
  'answers-amiss': {
    severity: 'fault',
    about: 'a server answers, but not as the protocol has it',
    why: 'no session gets to this server',
  },
  'relay-open': {
    severity: 'fault',
    about: "a server takes mail to strangers from the gateway's address without a login (mynetworks)",
    why:
      'the server takes the gateway for its own network: its checks of senders, rates and bare line feeds ' +
      'do not hold for what comes through it, and whoever gets to speak SMTP from there is an open relay',
  },
  'xclient-open': {
    severity: 'fault',
    about: 'a submission server takes XCLIENT from us, and is told no client by it',
    why:
      'what a client sends behind its login goes to the server as it is: by XCLIENT with LOGIN or ADDR it ' +
      'becomes another user, or comes from an address that may do more',
  },
  'xclient-refused': {
    severity: 'fault',
    about: 'clients are to be named by XCLIENT, and the server does not take it from us',
    why: 'the server sees one address for all users, and its limits and blocks strike all of them',
  },
  'certificate-ends': {
    severity: 'warning',
    about: 'the certificate ends within 21 days',
    why: 'from that day on no session gets to this server',
  },
  'connections-limited': {
    severity: 'warning',
    about: 'one mailbox may not be logged in as often as its owner has devices (`--deep`)',
    why: 'the server counts the sessions of a user by address, and all of them come from the gateway',
  },
  'logins-slowed': {
    severity: 'warning',
    about: 'refused passwords make the server answer slower and slower (`--deep`)',
    why:
      'it slows down the address of whoever fails, and that is the gateway: one user with an old ' +
      'password, or one attacker, slows down the logins of all',
  },
  'not-finished': {
    severity: 'warning',
    about: 'a port had not answered when the time was over, or could not be asked',
    why: 'nothing is known of it',
  },
  'clear-passwords': {
    severity: 'warning',
    about: 'POSTERN_SERVER_TLS or a setting of its kind is off',
    why: 'whoever sees the network between gateway and server reads all passwords',
  },
  'any-certificate': {
    severity: 'warning',
    about: 'POSTERN_SERVER_TLS_VERIFY is any',
    why: 'whoever can answer in the place of the server reads all passwords',
  },
  'check-says': {
    severity: 'hint',
    about: 'what `postern check` warns of, where it concerns servers',
    why: 'the setting works as it says; it is repeated here lest it be forgotten',
  },
  'baseline-could-grow': {
    severity: 'hint',
    about: 'all servers offer an item that the baseline lacks',
    why: 'clients learn of it only after the login, and some never ask again',
  },
  'one-address': {
    severity: 'hint',
    about: "a Dovecot is not told the clients' addresses",
    why:
      "mail_max_userip_connections and the penalty for failed logins count the gateway's address for all " +
      'users; `postern doctor --deep` tries both',
  },
  'xclient-unused': {
    severity: 'hint',
    about: 'a POP3 or ManageSieve server would take XCLIENT from us, and is not told the clients',
    why: "its log, limits and blocks would see the clients' own addresses",
  },
  'address-translated': {
    severity: 'hint',
    about: 'the server sees the gateway under another address than it has',
    why: "the server's lists of trusted addresses have to name the one that it sees",
  },
  'exchange-receive-connector': {
    severity: 'hint',
    about: 'Exchange: the receive connector for the gateway, as commands',
    why:
      'the connectors as shipped take 20 connections from one address, and 2 % of all, and may count ' +
      'messages by address; all users come from these',
  },
  'exchange-connections': {
    severity: 'hint',
    about: 'Exchange: the connection limits of IMAP and POP3 for the gateway, as commands',
    why: 'all users come from one address (2,000 connections as shipped in 2010), and each has 16 sessions',
  },
} as const satisfies Record<string, FindingKind>;

export type FindingId = keyof typeof kinds;

/** The table, for the report and the docs. */
export const findingKinds: Readonly<Record<FindingId, FindingKind>> = kinds;

/** What a rule says: the report adds severity and reason by the id. */
export interface Finding {
  readonly id: FindingId;
  /** Undefined: it is about the whole site. */
  readonly server: string | undefined;
  readonly protocols: readonly LoginProtocol[];
  /** What is wrong, in one sentence without its stop. */
  readonly what: string;
  /** What to do: lines to paste, or sentences. */
  readonly mend: readonly string[];
}

const order: readonly Severity[] = ['fault', 'warning', 'hint'];

/** The worst first; equally bad ones stay in their order. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  const rank = ({ id }: Finding): number => order.indexOf(findingKinds[id].severity);
  return findings.toSorted((a, b) => rank(a) - rank(b));
}

/** One finding for what several protocols of one server have in common. */
export function merged(findings: readonly Finding[]): Finding[] {
  const byText = new Map<string, Finding>();
  for (const finding of findings) {
    const { id, server, what, mend } = finding;
    const key = JSON.stringify([id, server, what, mend]);
    const earlier = byText.get(key);
    const protocols = [...new Set([...(earlier?.protocols ?? []), ...finding.protocols])];
    byText.set(key, { ...finding, protocols });
  }
  return [...byText.values()];
}
