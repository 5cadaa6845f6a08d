/**
 * What a family of servers changes in the defaults. Data only: a preset can set nothing that a setting can't.
 * To its baselines of what is offered before the login, POSTERN_IMAP_BASELINE and its like add.
 */

import type { LoginProtocol } from '#model/protocol';

export const presetNames = [
  'generic',
  'exchange-2010',
  'exchange',
  'dovecot-dsync',
  'dovecot-shared',
  'cyrus',
  'stalwart',
] as const;

export type PresetName = (typeof presetNames)[number];

export interface Preset {
  /** What `check` and the docs say of it. */
  readonly about: string;
  /** Setting -> its default in this family, written as in the environment. */
  readonly defaults: Readonly<Record<string, string>>;
  /**
   * Capabilities offered before the login besides what the front itself gives, upper case: those that every
   * server of the family has, so that an offer never depends on which of them is up.
   */
  readonly baselines: Readonly<Partial<Record<LoginProtocol, readonly string[]>>>;
}

/** Observed in the CAPA of Exchange, besides the mechanisms. */
const exchangePop3 = ['TOP', 'UIDL', 'USER'];
const dovecotPop3 = ['TOP', 'UIDL', 'USER', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING'];
/**
 * In the EHLO of every Exchange since 2010; SMTPUTF8 came later. The Dovecot presets have none: the servers
 * that take mail beside a Dovecot are of all kinds, and many have been told to leave CHUNKING out.
 */
const exchangeSubmission = ['DSN', 'CHUNKING'];
/** Extensions of every Pigeonhole as it comes, but for those that sites switch off. */
const pigeonhole = [
  'SIEVE=FILEINTO',
  'SIEVE=REJECT',
  'SIEVE=ENVELOPE',
  'SIEVE=ENCODED-CHARACTER',
  'SIEVE=VACATION',
  'SIEVE=SUBADDRESS',
  'SIEVE=COMPARATOR-I;ASCII-NUMERIC',
  'SIEVE=RELATIONAL',
  'SIEVE=IMAP4FLAGS',
  'SIEVE=COPY',
  'SIEVE=INCLUDE',
  'SIEVE=VARIABLES',
  'SIEVE=BODY',
  'SIEVE=DATE',
  'SIEVE=MAILBOX',
];

export const presets: Readonly<Record<PresetName, Preset>> = {
  generic: { about: 'nothing is assumed of the servers', defaults: {}, baselines: {} },
  'exchange-2010': {
    about: 'Exchange 2010: a session stays on its Client Access server',
    defaults: {
      POSTERN_MOVE_POLICY: 'sticky',
      POSTERN_CLAIM_STALE_AFTER: '60s',
      POSTERN_IMAP_IDLE_TIMEOUT: '31m',
      POSTERN_SERVER_DOWN_SESSIONS: 'end',
    },
    baselines: {
      imap: ['IDLE', 'NAMESPACE', 'UIDPLUS', 'CHILDREN'],
      pop3: exchangePop3,
      submission: exchangeSubmission,
    },
  },
  exchange: {
    about: 'Exchange 2013 and later: every server finds the active copy itself, the right one saves a hop',
    defaults: {
      POSTERN_MOVE_POLICY: 'free',
      POSTERN_CLAIM_STALE_AFTER: '60s',
      POSTERN_IMAP_IDLE_TIMEOUT: '31m',
      POSTERN_SERVER_DOWN_SESSIONS: 'end',
    },
    baselines: {
      imap: ['IDLE', 'NAMESPACE', 'UIDPLUS', 'CHILDREN', 'UNSELECT'],
      pop3: exchangePop3,
      submission: exchangeSubmission,
    },
  },
  'dovecot-dsync': {
    about: 'a Dovecot 2.3 pair with replication: one writer a mailbox',
    defaults: { POSTERN_MOVE_POLICY: 'exclusive', POSTERN_IMAP_IDLE_TIMEOUT: '31m' },
    baselines: { imap: ['IDLE'], pop3: dovecotPop3, sieve: pigeonhole },
  },
  'dovecot-shared': {
    about: 'Dovecot 2.3 or 2.4 on shared storage: one server a mailbox at a time',
    defaults: { POSTERN_MOVE_POLICY: 'exclusive', POSTERN_IMAP_IDLE_TIMEOUT: '31m' },
    baselines: { imap: ['IDLE'], pop3: dovecotPop3, sieve: pigeonhole },
  },
  cyrus: {
    about: 'Cyrus with replication: one writer a mailbox',
    defaults: { POSTERN_MOVE_POLICY: 'exclusive', POSTERN_IMAP_IDLE_TIMEOUT: '31m' },
    baselines: {},
  },
  stalwart: {
    about: 'Stalwart: every server serves every mailbox',
    defaults: { POSTERN_MOVE_POLICY: 'free', POSTERN_IMAP_IDLE_TIMEOUT: '31m' },
    baselines: {},
  },
};

export function isPresetName(name: string): name is PresetName {
  return (presetNames as readonly string[]).includes(name);
}
