/** What a server's refusal comes to for a client: the parts that every protocol has. PURE. */
import type { Refusal } from './front.ts';

/** A server's words that may be passed on: printable, bounded, never empty (V37). */
export function printable(text: string): string {
  const clean = text
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, refusalTextMax);
  return clean === '' ? 'Login refused' : clean;
}

/**
 * The server takes no password in clear. The client is inside TLS, or it could not have logged in: the
 * server means the link between it and us.
 */
export const wantsPrivacy: Refusal = {
  is: 'temporary',
  why: 'it takes no login without TLS from this gateway; see POSTERN_SERVER_TLS',
};

/**
 * Exchange's answer to a good login while it can't reach the mailbox's database, in IMAP and POP3, as users'
 * logs show it: `Server Unavailable. 15`. It has no response code, and would look like a wrong password.
 */
export function isStoreTrouble(text: string): boolean {
  return /^Server Unavailable\b/i.test(text);
}

const refusalTextMax = 200;
