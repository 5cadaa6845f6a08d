/** All scenarios, in the order of the table, and the sets that a command line may name. */
import type { Scenario } from '../scenario.ts';
import { append16k, append1m, fetch16k, fetch1m } from './bulk.ts';
import { exchange } from './exchange.ts';
import { flood } from './flood.ts';
import { handshake, handshakeRsa } from './handshake.ts';
import { idle, idleTls } from './idle.ts';
import { latency } from './latency.ts';
import { login } from './login.ts';
import { preamble1, preamble128, preamble16 } from './preamble.ts';
import { pop3 } from './pop3.ts';
import { resumed12, resumed13 } from './resumed.ts';
import { splice, spliceRsa } from './splice.ts';
import { submission } from './submission.ts';

export const scenarios: readonly Scenario[] = [
  login,
  handshake,
  latency,
  idle,
  pop3,
  submission,
  handshakeRsa,
  splice,
  spliceRsa,
  resumed13,
  resumed12,
  exchange,
  fetch16k,
  fetch1m,
  append16k,
  append1m,
  preamble1,
  preamble16,
  preamble128,
  flood,
  idleTls,
];

/** What `imap` stands for: a login session, a handshake, what is added, an idle session. */
export const imapSet: readonly string[] = [login, handshake, latency, idle].map(({ name }) => name);
