/**
 * What the doctor asks an IMAP server beyond the monitors' probe: its name, and, with `--deep`, how it takes
 * many logins of one mailbox and some wrong passwords. Each question is one connection with its own script,
 * ended by LOGOUT.
 *
 * Where the settings name the clients to the server by ID, these connections do so too, each as another
 * client: what is measured is then what sessions meet. The addresses are of documentation (RFC 5737), so that
 * they are nobody's in the server's log.
 */
import {
  type ImapAccount,
  answerRules,
  commandSteps,
  isAccepted,
  loginSteps,
  openingSteps,
  refusalOf,
  troubleOf,
} from '#gateway/monitors/imap-talk';
import type { Probe, ProbeTimeouts } from '#gateway/monitors/probe-outcome';
import { type Step, encodeScript } from '#model/handoff-script';
import { accept, expect, send, skip } from '#model/script-steps';
import type { EngineEndpoint, ProbeOutcome } from '#native';

export interface ImapQuestion {
  readonly probe: Probe;
  readonly endpoint: EngineEndpoint;
  readonly capabilities: readonly string[];
  readonly timeouts: ProbeTimeouts;
}

/** What the server calls itself (RFC 2971); null where it does not say. */
export async function askProduct({
  probe,
  endpoint,
  capabilities,
  timeouts,
}: ImapQuestion): Promise<string | null> {
  if (!capabilities.includes('ID')) return null;
  const script = encodeScript([
    ...openingSteps(endpoint.tls, timeouts),
    ...commandSteps('i', 'ID NIL', timeouts, '* ID'),
    ...logoutSteps(timeouts),
  ]);
  const { lines } = await probe({ endpoint, script });
  const pairs = lines.find((line) => /^\* ID \(/i.test(line)) ?? '';
  return /"name" "((?:[^"\\]|\\.)*)"/i.exec(pairs)?.[1] ?? null;
}

export interface LoginQuestion extends ImapQuestion {
  readonly account: ImapAccount;
  /** The number of the client that this one plays; undefined: the server is not told of clients. */
  readonly client: number | undefined;
  /** How long the session stands before its LOGOUT. */
  readonly standMs?: number;
}

/** How one login went. `why`: it could not be tried. */
export type LoginOutcome =
  | { readonly is: 'in' }
  | { readonly is: 'refused'; readonly words: string; readonly tookMs: number }
  | { readonly is: 'untold'; readonly why: string };

/** One login. A session that stands does nothing but stand: no folder is opened. */
export async function askLogin(question: LoginQuestion): Promise<LoginOutcome> {
  const { probe, endpoint, timeouts, account, client, standMs } = question;
  const script = encodeScript([
    ...openingSteps(endpoint.tls, timeouts),
    ...(client === undefined ? [] : clientSteps(client, timeouts)),
    ...judgedSteps(loginSteps(account, question.capabilities, timeouts)),
    ...(standMs === undefined ? [] : [{ step: 'pause', ms: standMs } as const]),
    ...logoutSteps(timeouts),
  ]);
  const outcome = await probe({ endpoint, script });
  // It holds the password.
  script.fill(0);
  return loginOutcome(outcome, timeouts);
}

function loginOutcome(outcome: ProbeOutcome, timeouts: ProbeTimeouts): LoginOutcome {
  const refusal = refusalOf('l', outcome) ?? byeOf(outcome);
  if (refusal !== undefined) return { is: 'refused', words: refusal, tookMs: outcome.elapsedMs };
  if (isAccepted('l', outcome)) return { is: 'in' };
  return { is: 'untold', why: troubleOf(outcome, timeouts) };
}

/** Some servers refuse a session too many by BYE, before or behind the OK. Ours own LOGOUT gets one, too. */
function byeOf({ lines, reason }: ProbeOutcome): string | undefined {
  return reason === 0 ? undefined : lines.find((line) => /^\* BYE/i.test(line))?.slice('* '.length);
}

/** A refused login goes on to its LOGOUT, too. */
function judgedSteps(steps: readonly Step[]): Step[] {
  return steps.map((step, at) => {
    if (step.step !== 'expect' || at < steps.length - 1) return step;
    return {
      ...step,
      rules: step.rules.map((rule) => (rule.then === 'refuse' ? { ...rule, then: 'accept' } : rule)),
    };
  });
}

function clientSteps(client: number, timeouts: ProbeTimeouts): Step[] {
  const pairs = `"x-originating-ip" "192.0.2.${client}" "x-originating-port" "40000" "x-proxy-ttl" "5"`;
  return [
    send(`i ID (${pairs})\r\n`),
    // A server that dislikes it is asked all the same.
    expect(timeouts.answerTimeoutMs, [accept('i '), ...answerRules('i')]),
  ];
}

/** The answer is waited for: a server that is left while it speaks writes an error into its log. */
function logoutSteps(timeouts: ProbeTimeouts): Step[] {
  return [send('q LOGOUT\r\n'), expect(timeouts.answerTimeoutMs, [accept('q '), skip('')])];
}
