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
      const next = await eventually('a login', () => logIn(gateway.imaps, bob));
      expect(await serverNameOf(next)).toBe('ex2');
    });
    expect(tookMs).toBeLessThan(5_000);
    expect(await answerTo(spliced, 'NOOP')).toMatch(/^OK /);
    expect(await serverNameOf(spliced)).toBe('ex1');
    const [row] = (await statusOf(gateway)).workers;
    expect(row).toMatchObject({ state: 'up', restarts: 1 });
  },
);

test('F25 who had said nothing goes on with another worker; who was in mid-sentence gets a BYE', async () => {
  await start({ POSTERN_WORKERS: '2' });
  const { gateway } = site;
  await eventually('both workers', () => faults.threads().length === 2);
  const greeted = async (index: number) => {
    const client = await connectRaw({ ...gateway.imaps, localAddress: `127.0.3.${index + 1}` });
    await client.line();
    return client;
  };
  const silent = await Promise.all(Array.from({ length: 16 }, (_, index) => greeted(index)));
  const talking = await Promise.all(Array.from({ length: 16 }, (_, index) => greeted(index)));
  for (const client of talking) client.send('a AUTHENTICATE PLAIN\r\n');
  for (const client of talking) expect(await client.line()).toMatch(/^\+/);
  await faults.strike(faults.threads()[0] ?? 0, 'throw');
  await eventually('another worker', () => faults.threads().length === 3);
  for (const client of silent) expect(await answerTo(client, `LOGIN ${ann.user} secret`)).toMatch(/^OK /);
  const response = Buffer.from(`\0${ann.user}\0secret`).toString('base64');
  for (const client of talking) if (client.isOpen()) client.send(`${response}\r\n`);
  const answers = await Promise.all(talking.map((client) => client.line()));
  const toldToCome = answers.filter((line) => line.startsWith('* BYE [UNAVAILABLE]'));
  expect(toldToCome.length).toBeGreaterThan(0);
  expect(answers.filter((line) => line.startsWith('a OK')).length).toBe(answers.length - toldToCome.length);
});

test('F25 a worker in an endless loop is ended within 5 s; spliced sessions do not notice', async () => {
  await start();
  const { gateway } = site;
  const spliced = await logIn(gateway.imaps, ann);
  await faults.strike(faults.threads()[0] ?? 0, 'loop');
  const next = timed(() =>
    eventually('a login', () => logIn(gateway.imaps, cid, 10_000), { withinMs: 15_000 }),
  );
  let slowestMs = 0;
  for (let count = 0; count < 100; count++) {
    const round = await timed(() => answerTo(spliced, 'NOOP'));
    expect(round.value).toMatch(/^OK /);
    slowestMs = Math.max(slowestMs, round.tookMs);
  }
  expect(slowestMs).toBeLessThan(250);
  const { value, tookMs } = await next;
  expect(tookMs).toBeLessThan(5_000);
  expect(await serverNameOf(value)).toBe('ex1');
  expect(faults.threads().length).toBe(2);
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
