/**
 * The login probe of IMAP: logs in to a mailbox of one database and opens its INBOX, because a server whose
 * store has gone still greets, and Exchange even answers LOGIN with OK.
 *
 * It judges the database, not the server: what the greeting probe sees is not said twice. A login refused
 * for the account's own sake says nothing of the database, so that an expired probe password takes no
 * database out of service.
 */
import type { Verdict } from '#model/claim';
import { codeOf } from '#model/end-reason';
import { encodeScript } from '#model/handoff-script';
import type { DatabaseId } from '#model/ids';
import type { EngineEndpoint, ProbeOutcome } from '#native';
import { type ImapAccount, closingStep, commandSteps, loginSteps, openingSteps } from './imap-talk.ts';
import { isAccepted, refusalOf, troubleOf } from './imap-talk.ts';
import type { Seen } from './monitor.ts';
import type { Probe, ProbeTimeouts } from './probe-outcome.ts';

export interface LoginProbeParts extends ImapAccount {
  readonly probe: Probe;
  readonly endpoint: EngineEndpoint;
  readonly database: DatabaseId;
  /** As the greeting probe saw them. */
  readonly capabilities: readonly string[];
  readonly timeouts: ProbeTimeouts;
}

/** One login to the server that holds the active copy. Never rejects if the engine's probe doesn't. */
export async function probeImapLogin(parts: LoginProbeParts): Promise<Seen<Verdict>> {
  const { probe, endpoint, database, capabilities, timeouts } = parts;
  const script = encodeScript([
    ...openingSteps(endpoint.tls, timeouts),
    ...loginSteps(parts, capabilities, timeouts),
    // Read-only: SELECT would take the \Recent flags away from the mailbox's user.
    ...commandSteps('e', 'EXAMINE INBOX', timeouts),
    closingStep,
  ]);
  const outcome = await probe({ endpoint, script });
  // It holds the password.
  script.fill(0);
  return verdictOf(outcome, database, timeouts);
}

function verdictOf(outcome: ProbeOutcome, database: DatabaseId, timeouts: ProbeTimeouts): Seen<Verdict> {
  if (isAccepted('e', outcome)) return { is: 'databaseGood', database };
  const opening = refusalOf('e', outcome);
  if (opening !== undefined) return databaseBad(database, `EXAMINE INBOX: ${opening}`);
  if (isAccepted('l', outcome))
    return databaseBad(database, `EXAMINE INBOX: ${troubleOf(outcome, timeouts)}`);

  const login = refusalOf('l', outcome);
  if (login !== undefined && isOfTheAccount(login)) return unasked(`the probe account is refused: ${login}`);
  if (login !== undefined) return databaseBad(database, `LOGIN: ${login}`);
  if (wasAsked(outcome)) return databaseBad(database, `LOGIN: ${troubleOf(outcome, timeouts)}`);
  return unasked(troubleOf(outcome, timeouts));
}

/** RFC 5530 section 3: codes that speak of the credentials, not of the store. */
function isOfTheAccount(answer: string): boolean {
  return /\[(AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|PRIVACYREQUIRED)\]/i.test(answer);
}

/** True where what went wrong went wrong at the login: behind the greeting, only answers are waited for. */
function wasAsked(outcome: ProbeOutcome): boolean {
  return outcome.reason === codeOf('login_timeout') || outcome.lines.some((line) => line.startsWith('+'));
}

function databaseBad(database: DatabaseId, why: string): Verdict {
  return { is: 'databaseBad', database, why };
}

function unasked(why: string): Seen<Verdict> {
  return { is: 'unasked', why };
}
