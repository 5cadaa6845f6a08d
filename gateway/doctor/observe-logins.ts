/**
 * Tries what sessions meet at an IMAP server that counts logins by address (`--deep`): several logins of one
 * mailbox at once, then a few wrong passwords of a name that nobody has, then one good login, which makes
 * Dovecot forget the wrong ones. Afterwards everything is as before.
 */
import type { ProbeAccount } from '#gateway/settings/settings';
import type { Clock } from '#lib/clock';
import { sleep } from '#lib/sleep';
import type { Identity } from '#model/routing-table';
import type { ImapAccount } from '#gateway/monitors/imap-talk';
import { type ImapQuestion, type LoginOutcome, askLogin } from './imap-questions.ts';
import {
  loginsAtOnce,
  loginsPaceMs,
  loginsStandMs,
  wrongPasswordTimeoutMs,
  wrongPasswordsMax,
} from './limits.ts';
import { slowsDown } from './login-rules.ts';
import type { LoginsObserved } from './observation.ts';

export interface LoginsParts extends ImapQuestion {
  readonly identity: Identity;
  readonly clock: Clock;
  /** The likeliest to get in first. */
  readonly accounts: readonly ProbeAccount[];
}

/** One server's IMAP port; takes up to half a minute. Never rejects if the engine's probe doesn't. */
export async function observeLogins(parts: LoginsParts): Promise<LoginsObserved> {
  const { identity, accounts } = parts;
  if (accounts.length === 0) return { is: 'untold', why: 'there is no probe account' };
  if (identity === 'proxy-v1' || identity === 'proxy-v2') {
    return { is: 'untold', why: 'its sessions name their clients by PROXY, and a probe has no client' };
  }
  const found = await firstLetIn(parts);
  if ('why' in found) return { is: 'untold', why: found.why };

  const many = await manyLogins(parts, found);
  const refused = many.find((outcome) => outcome.is === 'refused');
  const failuresMs = await wrongPasswords(parts);
  // Dovecot's penalty ends with a good login from the same address.
  await login(parts, found, { client: 1 });
  return {
    is: 'seen',
    user: found.user,
    tried: many.filter(({ is }) => is !== 'untold').length,
    stood: many.filter(({ is }) => is === 'in').length,
    refusal: refused?.is === 'refused' ? refused.words : undefined,
    failuresMs,
  };
}

/**
 * Side by side, but begun one after the other: Dovecot looks how many there are before it counts the new one,
 * and lets in any number of those that come at the same moment.
 */
async function manyLogins(parts: LoginsParts, account: ImapAccount): Promise<LoginOutcome[]> {
  const logins: Promise<LoginOutcome>[] = [];
  for (let client = 1; client <= loginsAtOnce; client++) {
    logins.push(login(parts, account, { client, standMs: loginsStandMs }));
    await sleep(parts.clock, loginsPaceMs, never);
  }
  return Promise.all(logins);
}

const never = new AbortController().signal;

/** An account that gets in: databases that are not active on this server refuse theirs. */
async function firstLetIn(parts: LoginsParts): Promise<ProbeAccount | { readonly why: string }> {
  let why = '';
  for (const account of parts.accounts.slice(0, accountsMax)) {
    const outcome = await login(parts, account, { client: 1 });
    if (outcome.is === 'in') return account;
    why = outcome.is === 'refused' ? `${account.user} is refused: ${outcome.words}` : outcome.why;
  }
  return { why };
}

/** How long each took, until it is clear that they take longer and longer. */
async function wrongPasswords(parts: LoginsParts): Promise<number[]> {
  const tookMs: number[] = [];
  const timeouts = { ...parts.timeouts, answerTimeoutMs: wrongPasswordTimeoutMs };
  for (let turn = 1; turn <= wrongPasswordsMax && !slowsDown(tookMs); turn++) {
    // Each another name and password: Dovecot does not count the same ones twice.
    const account = { user: `postern-doctor-${turn}`, password: { reveal: () => `no-password-${turn}` } };
    const outcome = await login({ ...parts, timeouts }, account, { client: turn });
    if (outcome.is === 'refused') tookMs.push(outcome.tookMs);
  }
  return tookMs;
}

function login(
  parts: LoginsParts,
  account: ImapAccount,
  { client, standMs }: { readonly client: number; readonly standMs?: number },
): Promise<LoginOutcome> {
  const told = parts.identity === 'id' ? client : undefined;
  return askLogin({ ...parts, account, client: told, ...(standMs === undefined ? {} : { standMs }) });
}

/** Each that is refused is one more wrong password in the eyes of the server. */
const accountsMax = 3;
