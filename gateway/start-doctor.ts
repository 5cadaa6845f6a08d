/**
 * Runs the doctor: an engine without listeners in this process, so that it works before the first start of a
 * gateway and beside a running one, and asks every server with what a session would use.
 *
 * Besides main.ts the only file of the gateway in which the engine is a value: a process has one engine, and
 * the doctor's process has no gateway.
 */
import * as engine from '#native';
import type { DoctorReport } from '#gateway/doctor/report';
import { reportOf } from '#gateway/doctor/report';
import { deepVisitTimeoutMs, visitTimeoutMs } from '#gateway/doctor/limits';
import { baselineOf, observeServers } from '#gateway/doctor/observe';
import { observeLogins } from '#gateway/doctor/observe-logins';
import type { SettingWarning } from '#gateway/doctor/observation';
import type { CheckReport } from '#gateway/settings/check-report';
import type { Settings } from '#gateway/settings/settings';
import type { Clock } from '#lib/clock';
import { endpointOf, engineConfigOf } from './engine-setup.ts';
import { greetingProbes, timeoutsOf } from './start-monitors.ts';
import { withTlsAdvice } from './tls-advice.ts';

export interface DoctorParts {
  readonly settings: Settings;
  /** Of the same environment: its warnings that concern servers are findings too. */
  readonly check: CheckReport;
  /** Also what needs logins: see docs/doctor.md. */
  readonly isDeep: boolean;
  readonly clock: Clock;
}

/** One visit. Rejects in words where the engine can't start; a second visit of one process can't be. */
export async function visitServers({ settings, check, isDeep, clock }: DoctorParts): Promise<DoctorReport> {
  engine.start(engineConfigOf({ ...settings, frontends: [], workers: 0, ioThreads: 1 }, [], () => []));
  try {
    const servers = await observeServers({
      servers: settings.servers,
      frontends: settings.frontends,
      accounts: settings.monitor.probeAccounts,
      copiesOf: ({ database }) => settings.databases.find(({ id }) => id === database)?.copies ?? [],
      probeOf:
        (server, { port }) =>
        async (request) => {
          const outcome = await engine.probe(request);
          // What to do about a certificate is a finding with settings of its own.
          if (outcome.offer === undefined) return outcome;
          return withTlsAdvice(outcome, { server, port, hasOpenssl: engine.hasOpenssl() });
        },
      greetingProbes,
      endpointOf,
      sourceAddresses: settings.sourceAddresses,
      timeouts: timeoutsOf(settings),
      tryLogins: isDeep ? observeLogins : undefined,
      visitTimeoutMs: isDeep ? deepVisitTimeoutMs : visitTimeoutMs,
      clock,
    });
    return reportOf({
      preset: valueOf(check, 'POSTERN_PRESET'),
      baselines: Object.fromEntries(
        settings.frontends.map(({ protocol }) => [protocol, baselineOf(settings.frontends, protocol)]),
      ),
      servers,
      warnings: warningsIn(check),
      at: clock.wallMs(),
    });
  } finally {
    engine.stop();
  }
}

function valueOf({ rows }: CheckReport, setting: string): string {
  return rows.find(({ name }) => name === setting)?.value ?? '';
}

function warningsIn({ rows }: CheckReport): SettingWarning[] {
  return (
    rows
      // What a server's certificate is worth is a finding of its own.
      .filter(({ name }) => !name.endsWith('_TLS_VERIFY'))
      .filter(({ name, verdict }) => verdict === 'warning' && /^POSTERN_(SERVER|PROBE)/.test(name))
      .map(({ name, hint }) => ({ setting: name, hint }))
  );
}
