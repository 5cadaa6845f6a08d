/**
 * What the doctor asks a POP3 server beyond the monitors' probe: whether it takes XCLIENT from us. Dovecot
 * says so in its greeting, `+OK [XCLIENT] ...`, and the engine's probes forget what came before STLS.
 */
import type { Probe, ProbeTimeouts } from '#gateway/monitors/probe-outcome';
import { encodeScript } from '#model/handoff-script';
import { accept, expect, send } from '#model/script-steps';
import type { EngineEndpoint } from '#native';

export interface Pop3Question {
  readonly probe: Probe;
  readonly endpoint: EngineEndpoint;
  readonly timeouts: ProbeTimeouts;
}

/** One connection: a greeting and QUIT, before TLS where the server turns to it. */
export async function askPop3Xclient({
  probe,
  endpoint,
  timeouts,
}: Pop3Question): Promise<boolean | 'untold'> {
  const script = encodeScript([
    expect(timeouts.greetingTimeoutMs, [accept('', 'before')]),
    send('QUIT\r\n'),
    expect(timeouts.answerTimeoutMs, [accept('')]),
  ]);
  const [greeting] = (await probe({ endpoint, script })).lines;
  return greeting === undefined ? 'untold' : /^\+OK \[XCLIENT\]/i.test(greeting);
}
