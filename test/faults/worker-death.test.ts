import { afterEach, expect, test } from 'vitest';
import { eventually, timed } from '../support/eventually.ts';
import { answerTo, logIn, serverNameOf } from '../support/imap-talk.ts';
import { connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, bob, cid, startStubSite } from '../support/stub-site.ts';
import { statusOf } from '../support/watching.ts';
import { type WorkerFault, type WorkerFaults, makeWorkerFaults } from '../support/worker-faults.ts';

let site: StubSite;
let faults: WorkerFaults;

afterEach(async () => {
  await site?.close();
});

async function start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  faults = await makeWorkerFaults();
  site = await startStubSite({ POSTERN_WORKERS: '1', ...faults.settings, ...settings });
  await eventually('the worker', () => faults.threads().length > 0);
}

test.each<WorkerFault>(['terminate', 'throw', 'reject', 'exit'])(
  'F25 a worker that ends by %s takes no spliced session with it, and is replaced',
  async (fault) => {
    await start();
    const { gateway } = site;
    const spliced = await logIn(gateway.imaps, ann);
    const [thread = 0] = faults.threads();
    const { tookMs } = await timed(async () => {
      await faults.strike(thread, fault);
      await eventually('another worker', () => faults.threads().length > 1);
      expect(await serverNameOf(await logIn(gateway.imaps, bob))).toBe('ex2');
    });
    expect(tookMs).toBeLessThan(5_000);
    expect(await answerTo(spliced, 'NOOP')).toMatch(/^OK /);
    expect(await serverNameOf(spliced)).toBe('ex1');
    const [row] = (await statusOf(gateway)).workers;
    expect(row).toMatchObject({ state: 'up', restarts: 1 });
  },
);

test('F25 a client that had said nothing yet goes on with the next worker; one in mid-sentence gets a BYE', async () => {
  await start();
  const { gateway } = site;
  const [silent, talking] = [await connectRaw(gateway.imaps), await connectRaw(gateway.imaps)];
  await silent.line();
  await talking.line();
  talking.send('a AUTHENTICATE PLAIN\r\n');
  expect(await talking.line()).toMatch(/^\+/);
  await faults.strike(faults.threads()[0] ?? 0, 'throw');
  expect(await talking.rest()).toMatch(/^\* BYE \[UNAVAILABLE\]/);
  expect(await answerTo(silent, `LOGIN ${ann.user} secret`)).toMatch(/^OK /);
});

test('F25 a worker in an endless loop is found and ended within 5 s; spliced sessions do not notice', async () => {
  await start();
  const { gateway } = site;
  const spliced = await logIn(gateway.imaps, ann);
  await faults.strike(faults.threads()[0] ?? 0, 'loop');
  // The oldest event that nobody takes is what shows a stuck worker.
  const { value: late, tookMs } = await timed(() => logIn(gateway.imaps, cid, 15_000).catch(() => undefined));
  const slowest: number[] = [];
  for (let count = 0; count < 50; count++) {
    const round = await timed(() => answerTo(spliced, 'NOOP'));
    expect(round.value).toMatch(/^OK /);
    slowest.push(round.tookMs);
  }
  expect(Math.max(...slowest)).toBeLessThan(250);
  expect(tookMs).toBeLessThan(6_000);
  const next = late ?? (await logIn(gateway.imaps, cid));
  expect(await serverNameOf(next)).toBe('ex1');
  expect(faults.threads().length).toBeGreaterThan(1);
});

test('F25 with two workers the other serves while one is replaced', async () => {
  await start({ POSTERN_WORKERS: '2' });
  const { gateway } = site;
  await eventually('both workers', () => faults.threads().length === 2);
  await faults.strike(faults.threads()[0] ?? 0, 'exit');
  const logins = Array.from({ length: 16 }, (_, index) =>
    logIn({ ...gateway.imaps, localAddress: `127.0.2.${index + 1}` }, index % 2 ? ann : bob),
  );
  const done = await Promise.allSettled(logins);
  // Only who was in mid-sentence with the one that died may have been told to come again.
  const told = done
    .filter(({ status }) => status === 'rejected')
    .map((each) => String((each as PromiseRejectedResult).reason));
  expect(told.filter((words) => !words.includes('BYE [UNAVAILABLE]'))).toEqual([]);
  expect(done.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
});
