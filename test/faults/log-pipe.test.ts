/** F31: nobody reads the log, or it can't be written. Sessions matter more; what is lost is counted. */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { mustRun } from '../support/child.ts';
import { ownAddress, startCrowd } from '../support/crowd.ts';
import { buildEngineWithFaults, buildMs } from '../support/engine-with-faults.ts';
import { eventually, timed } from '../support/eventually.ts';
import { comeAndGo } from '../support/flood.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { type StubSite, ann, cid, startStubSite } from '../support/stub-site.ts';
import { metricOf, say } from '../support/survival.ts';
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts';
import { residentMib, sessionsOf, statusOf } from '../support/watching.ts';
import { type WorkerFaults, makeWorkerFaults } from '../support/worker-faults.ts';

let engine: Readonly<Record<string, string>>;
let site: StubSite;
let closeReader = () => undefined as void;

beforeAll(async () => {
  engine = await buildEngineWithFaults();
}, buildMs);

afterEach(async () => {
  await site?.close();
  closeReader();
});

/** Where both outputs of the gateway go. */
const outputs = [
  { output: 'a pipe that nobody reads', openOutput: unreadPipe, visitors: 12_000, exit: 'SIGTERM' },
  { output: 'a pipe whose reader has gone', openOutput: leftPipe, visitors: 2_000, exit: 0 },
  { output: 'a full disk', openOutput: () => Promise.resolve('/dev/full'), visitors: 2_000, exit: 0 },
];

test.each(outputs)(
  'F31 the log goes to $output: nothing stalls, what is lost is counted, and the end is clean',
  async ({ output, openOutput, visitors, exit }) => {
    const faults = await makeWorkerFaults();
    const wrapper = ['bash', '-c', `exec "$0" "$@" > ${await openOutput()} 2>&1`];
    site = await startStubSite({ ...engine, ...faults.settings, POSTERN_WORKERS: '2' }, { wrapper });
    const { gateway } = site;
    const crowd = await startCrowd(gateway, spliced);
    if (openOutput === leftPipe) closeReader();
    crowd.mark();
    // The pipe, then the gateway's own buffer, then nothing more: 12,000 lines are over 5 MiB.
    await comeAndGo(gateway, visitors);
    const full = residentMib(gateway);
    // With Rust's own panic message, an IO thread would stand in the pipe from here on.
    await panicIn(faults, ownAddress(gateway, 41, 0));
    await faults.strike(faults.threads()[0] ?? 0, 'throw');
    await comeAndGo(gateway, visitors / 4);
    const grownMib = residentMib(gateway) - full;
    const login = await timed(() => eventually('a login', () => logIn(ownAddress(gateway, 42, 0), ann)));
    const admin = await timed(() => statusOf(gateway));
    await crowd.endMark();
    const pulse = await crowd.stop();
    const lost = await metricOf(gateway, 'postern_log_lines_dropped_total');
    const panics = await metricOf(gateway, 'postern_panics_total');
    login.value.destroy();
    const end = await timed(() => gateway.stop());
    say(
      `log to ${output}: ${pulse.spliced} spliced, ${pulse.lost.length} lost (${pulse.roundsInMark} NOOPs ` +
        `meanwhile, slowest ${pulse.slowestMs} ms); ` +
        `${visitors * 1.25} sessions more, ${lost} lines dropped; ` +
        `a login in ${Math.round(login.tookMs)} ms, admin in ${Math.round(admin.tookMs)} ms; ` +
        `grown by ${grownMib.toFixed(1)} MiB once full; ` +
        `SIGTERM to the end ${Math.round(end.tookMs)} ms`,
    );
    expect(pulse.lost).toEqual([]);
    expect(pulse.slowestMs).toBeLessThan(1_000);
    expect(lost).toBeGreaterThan(0);
    expect(panics).toBe(1);
    expect(login.tookMs).toBeLessThan(1_000);
    expect(admin.tookMs).toBeLessThan(1_000);
    expect(grownMib).toBeLessThan(16);
    // Of the pipe even the exit can't be orderly: a thread stands in it.
    expect(end.value.status).toBe(exit);
    expect(end.tookMs).toBeLessThan(6_000);
  },
  120_000,
);

/** A pipe with an open end for reading, which is never read from. */
async function unreadPipe(): Promise<string> {
  const folder = await makeTempFolder('pipe');
  const path = join(folder, 'log');
  await mustRun('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  closeReader = () => {
    closeSync(fd);
    removeTempFolder(folder);
    closeReader = () => undefined;
  };
  return path;
}

/** The same; its reader leaves once the gateway runs. */
function leftPipe(): Promise<string> {
  return unreadPipe();
}

/** Waits until it has struck. */
async function panicIn(faults: WorkerFaults, address: Parameters<typeof logIn>[0]): Promise<void> {
  const { gateway } = site;
  const unlucky = await logIn(address, cid);
  const row = await eventually('its session', async () =>
    (await sessionsOf(gateway)).find(({ clientAddress }) =>
      clientAddress.startsWith(`${address.localAddress}:`),
    ),
  );
  await faults.panic(Number.parseInt(row.session, 16));
  await unlucky.rest();
  const other = await logIn(address, cid);
  expect(await answerTo(other, 'NOOP')).toMatch(/^OK /);
  other.destroy();
}

const spliced = 50;
