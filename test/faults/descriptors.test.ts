/** F28: no file descriptor is left. Who comes is refused in time, who is there stays, and nothing spins. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { mustRun } from '../support/child.ts';
import { ownAddress, startCrowd } from '../support/crowd.ts';
import { eventually, timed } from '../support/eventually.ts';
import type { Gateway } from '../support/gateway.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { cpuShareOf, say } from '../support/survival.ts';
import { openFiles, statusOf } from '../support/watching.ts';

let site: StubSite;
let held: RawConnection[] = [];

afterEach(async () => {
  for (const client of held) client.destroy();
  held = [];
  await site?.close();
});

const threads = { POSTERN_WORKERS: '2', POSTERN_IO_THREADS: '2' };

test('F28 a low limit of open files: as many as fit are served, the rest is refused at once', async () => {
  site = await startStubSite(threads, { wrapper: ['prlimit', `--nofile=${limit}:${limit}`] });
  const { gateway } = site;
  const crowd = await startCrowd(gateway, spliced);
  crowd.mark();
  const knocks = await Promise.all(Array.from({ length: knockCount }, (_, index) => knock(gateway, index)));
  const refused = knocks.filter(({ said }) => said.startsWith('* BYE [UNAVAILABLE]'));
  const admin = await timed(() => statusOf(gateway));
  const most = openFiles(gateway);
  const share = await cpuShareOf(gateway, () => knockFor(gateway, watchMs));
  for (const client of held.splice(0)) client.destroy();
  const again = await timed(() => eventually('a login', () => logIn(ownAddress(gateway, 60, 0), ann)));
  expect(await answerTo(again.value, 'NOOP')).toMatch(/^OK /);
  again.value.destroy();
  await crowd.endMark();
  const pulse = await crowd.stop();

  const slowest = Math.round(Math.max(...refused.map(({ tookMs }) => tookMs)));
  say(
    `${limit} open files: ${pulse.spliced} spliced, ${pulse.lost.length} lost; ${knockCount} came, ` +
      `${knockCount - refused.length} greeted, ${refused.length} refused in words (slowest ${slowest} ms); ` +
      `${most} files open; admin answers in ${Math.round(admin.tookMs)} ms; CPU ${percent(share)}; ` +
      `a login ${Math.round(again.tookMs)} ms after clients left`,
  );
  expect(pulse.lost).toEqual([]);
  expect(knocks.filter(({ said }) => !isAnswer(said))).toEqual([]);
  expect(refused.length).toBeGreaterThan(knockCount / 2);
  expect(refused.length).toBeLessThan(knockCount);
  expect(slowest).toBeLessThan(2_000);
  expect(most).toBeLessThan(limit);
  expect(admin.tookMs).toBeLessThan(1_000);
  expect(share).toBeLessThan(0.2);
  expect(again.tookMs).toBeLessThan(1_000);
  expect(gateway.log()).toMatch(/POSTERN_MAX_CONNECTIONS: 20000 connections need \d+ open files/);
});

test('F28 no descriptor left at all: who comes is answered, no server counts as down for it', async () => {
  site = await startStubSite(threads);
  const { gateway } = site;
  const crowd = await startCrowd(gateway, spliced);
  await setLimit(gateway, openFiles(gateway));
  crowd.mark();
  const knocks = await Promise.all(Array.from({ length: knockCount }, (_, index) => knock(gateway, index)));
  const refused = knocks.filter(({ said }) => said.startsWith('* BYE [UNAVAILABLE]'));
  // Long enough for a dozen probes of each server to fail for want of a socket.
  const share = await cpuShareOf(gateway, () => knockFor(gateway, watchMs));
  await setLimit(gateway, 4_096);
  const again = await timed(() => eventually('a login', () => logIn(ownAddress(gateway, 60, 0), ann)));
  expect(await answerTo(again.value, 'NOOP')).toMatch(/^OK /);
  again.value.destroy();
  await crowd.endMark();
  const pulse = await crowd.stop();

  const slowest = Math.round(Math.max(...refused.map(({ tookMs }) => tookMs)));
  say(
    `no descriptor left: ${pulse.spliced} spliced, ${pulse.lost.length} lost; ${knockCount} came, ` +
      `${refused.length} refused in words (slowest ${slowest} ms); CPU ${percent(share)}; ` +
      `a login ${Math.round(again.tookMs)} ms after there were some again`,
  );
  expect(pulse.lost).toEqual([]);
  expect(knocks.filter(({ said }) => !isAnswer(said))).toEqual([]);
  // A probe that ends leaves a place to whoever comes next.
  expect(refused.length).toBeGreaterThan(knockCount * 0.9);
  expect(slowest).toBeLessThan(2_000);
  expect(share).toBeLessThan(0.2);
  expect(again.tookMs).toBeLessThan(1_000);
  const texts = gateway.records().map(({ text }) => String(text));
  expect(texts.filter((text) => /^server ex\d imap down/.test(text))).toEqual([]);
  expect(
    texts.filter((text) => /greeting probe of ex\d for imap learnt nothing: no socket/.test(text)),
  ).toHaveLength(2);
});

interface Knock {
  /** The first line, or what became of the connection. */
  readonly said: string;
  readonly tookMs: number;
}

/** One client on the clear port, where there are words for it; those that were greeted stay. */
async function knock(gateway: Gateway, index: number): Promise<Knock> {
  const { localAddress } = ownAddress(gateway, 50, index % 250);
  const { value: said, tookMs } = await timed(async () => {
    const client = await connectRaw({ ...gateway.imap, ...(localAddress && { localAddress }) });
    held.push(client);
    return client.line(5_000).catch(String);
  });
  return { said, tookMs };
}

/** Goes on knocking, some ten times a second: the time over which CPU is measured. */
async function knockFor(gateway: Gateway, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    const { said } = await knock(gateway, 0);
    expect(isAnswer(said), said).toBe(true);
    await pause(80);
  }
}

function isAnswer(line: string): boolean {
  return /^\* (OK|BYE \[UNAVAILABLE\])/.test(line);
}

async function setLimit({ pid }: Gateway, files: number): Promise<void> {
  await mustRun('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} % of a core`;
}

const limit = 400;
const spliced = 50;
const knockCount = 200;
const watchMs = 3_000;
