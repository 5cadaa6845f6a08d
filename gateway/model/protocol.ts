/** The protocols that a frontend can speak. The codes cross the boundary to the engine and never change. */

export const protocolCodes = {
  imap: 1,
  pop3: 2,
  sieve: 3,
  submission: 4,
  smtp: 5,
  lmtp: 6,
  https: 7,
} as const;

/** The protocols in which a user logs in and is spliced: see workers/login-session.ts. */
export const loginProtocols = ['imap', 'pop3', 'sieve', 'submission'] as const;

/** One of `loginProtocols`. */
export type LoginProtocol = (typeof loginProtocols)[number];

/** A protocol by its name, as frontends and servers have it. */
export type Protocol = keyof typeof protocolCodes;
