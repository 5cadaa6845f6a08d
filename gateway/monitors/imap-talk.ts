/**
 * What both IMAP probes say to a server: the steps up to TLS, the steps of the goodbye, and what became of
 * them. The engine plays the scripts; nothing here touches a socket.
 */
import type { Rule, Step } from '#model/handoff-script';
import { accept, expect, fail, refuse, send, skip } from '#model/script-steps';
import type { EngineEndpoint, ProbeOutcome } from '#native';
import { type ProbeTimeouts, troubleWith } from './probe-outcome.ts';

/** From the greeting to the encrypted connection, as the endpoint's policy says. */
export function openingSteps(tls: EngineEndpoint['tls'], timeouts: ProbeTimeouts): Step[] {
  const greeting = [accept('* OK', 'before'), fail('* BYE', 'before')];
  const steps = [expect(timeouts.greetingTimeoutMs, greeting)];
  if (tls !== 'starttls') return steps;
  return [...steps, ...commandSteps('s', 'STARTTLS', timeouts), { step: 'startTls' }];
}

/**
 * One command and its OK. Other answers to it are kept and end the probe; untagged lines that begin so are
 * kept.
 */
export function commandSteps(tag: string, command: string, timeouts: ProbeTimeouts, kept?: string): Step[] {
  return [send(`${tag} ${command}\r\n`), expect(timeouts.answerTimeoutMs, answerRules(tag, kept))];
}

/** The answer to the command with this tag: see `commandSteps`. */
export function answerRules(tag: string, kept?: string): Rule[] {
  return [
    accept(`${tag} OK`, 'before'),
    refuse(`${tag} `, 'before'),
    ...(kept === undefined ? [] : [skip(kept, 'before')]),
    fail('* BYE', 'before'),
    skip('* '),
  ];
}

/** Who logs in. */
export interface ImapAccount {
  readonly user: string;
  readonly password: { reveal(): string };
}

/**
 * LOGIN with literals, which carry any password; AUTHENTICATE PLAIN where LOGIN is disabled. Its tag is `l`.
 */
export function loginSteps(
  { user, password }: ImapAccount,
  capabilities: readonly string[],
  timeouts: ProbeTimeouts,
): Step[] {
  const secret = password.reveal();
  if (capabilities.includes('LOGINDISABLED')) {
    const proof = Buffer.from(`\0${user}\0${secret}`).toString('base64');
    return [send('l AUTHENTICATE PLAIN\r\n'), goOn(timeouts), send(`${proof}\r\n`), judged(timeouts)];
  }
  return [
    send(`l LOGIN {${Buffer.byteLength(user)}}\r\n`),
    goOn(timeouts),
    send(`${latin1Of(user)} {${Buffer.byteLength(secret)}}\r\n`),
    goOn(timeouts),
    send(`${latin1Of(secret)}\r\n`),
    judged(timeouts),
  ];
}

function goOn(timeouts: ProbeTimeouts): Step {
  return expect(timeouts.answerTimeoutMs, [accept('+', 'before'), ...answerRules('l')]);
}

function judged(timeouts: ProbeTimeouts): Step {
  return expect(timeouts.answerTimeoutMs, answerRules('l'));
}

/** A script's strings carry one byte a character. */
function latin1Of(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** LOGOUT, so that no half-open session stays behind. Its answer says nothing that we want to know. */
export const closingStep: Step = send('q LOGOUT\r\n');

/**
 * The server's answer to the command with this tag when it was not OK; undefined when it was, or none came.
 */
export function refusalOf(tag: string, outcome: ProbeOutcome): string | undefined {
  const answer = [...outcome.lines, outcome.detail].find((line) => line.startsWith(`${tag} `));
  if (answer === undefined || /^\S+ OK\b/i.test(answer)) return undefined;
  return answer.slice(tag.length + 1);
}

/** True where the command with this tag was answered with OK. */
export function isAccepted(tag: string, outcome: ProbeOutcome): boolean {
  return outcome.lines.some((line) => line.startsWith(`${tag} `) && /^\S+ OK\b/i.test(line));
}

/** Why the connection did not come to its end. */
export function troubleOf(outcome: ProbeOutcome, timeouts: ProbeTimeouts): string {
  return troubleWith(outcome, timeouts, /^\* BYE/i);
}
