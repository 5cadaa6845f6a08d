/**
 * F26: a panic in the engine, in one session's task, through the whole gateway. An abort takes the whole
 * process by nature (F23), and is not what this is about.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { ownAddress, startCrowd } from '../support/crowd.ts';
import { buildEngineWithFaults, buildMs } from '../support/engine-with-faults.ts';
import { eventually } from '../support/eventually.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import { type RawConnection, connectRaw } from '../support/raw-connection.ts';
import { type StubSite, bob, cid, startStubSite } from '../support/stub-site.ts';
import { metricOf, say } from '../support/survival.ts';
import { endedAs, sessionsOf } from '../support/watching.ts';
import { makeWorkerFaults } from '../support/worker-faults.ts';

let engine: Readonly<Record<string, string>>;
let site: StubSite;

beforeAll(async () => {
  engine = await buildEngineWithFaults();
}, buildMs);

afterEach(async () => {
  await site?.close();
});

const stations = ['preamble', 'handoff', 'spliced'] as const;

test.each(stations)('F26 a panic in a session in its %s ends that session and no other', async (phase) => {
  const faults = await makeWorkerFaults();
  site = await startStubSite({ ...engine, ...faults.settings });
  const { gateway } = site;
  const crowd = await startCrowd(gateway, crowdCount);
  const unlucky = await clientIn(phase);
  const row = await eventually('the unlucky session', async () =>
    (await sessionsOf(gateway)).find(
      (each) => each.phase === phase && each.clientAddress.startsWith(unluckyHost),
    ),
  );
  crowd.mark();
  await faults.panic(Number.parseInt(row.session, 16));
  await unlucky.rest();
  const record = await endedAs(gateway, 'internal_error');
  const again = await logIn(ownAddress(gateway, 41, 0), bob);
  expect(await answerTo(again, 'NOOP')).toMatch(/^OK /);
  await crowd.endMark();
  const pulse = await crowd.stop();

  const panics = await metricOf(gateway, 'postern_panics_total');
  const ended = gateway.ends().filter(({ reason }) => reason === 'internal_error').length;
  say(
    `panic in a session's ${phase}: ${pulse.spliced} spliced, ${pulse.lost.length} lost ` +
      `(${pulse.roundsInMark} NOOPs meanwhile, slowest ${pulse.slowestMs} ms); ` +
      `${ended} ended as internal_error, ${panics} counted`,
  );
  expect(record['session']).toBe(row.session);
  expect(ended).toBe(1);
  expect(panics).toBe(1);
  expect(pulse.lost).toEqual([]);
  // Its place is in the log, in a line of ours: the panic's own words could quote a client.
  const place = await eventually('the place of the panic', () =>
    gateway.records().find(({ text }) => String(text).startsWith('engine: a panic in ')),
  );
  expect(String(place['text'])).toMatch(/slot\.rs, line \d+$/);
  expect(gateway.log()).not.toContain('provoked by a test');
});

test('F26 the engine of the product has no command that makes it panic', () => {
  const native = fileURLToPath(new URL('../../native', import.meta.url));
  const products = readdirSync(native).filter((name) => name.endsWith('.node'));
  expect(products.length).toBeGreaterThan(0);
  const require = createRequire(import.meta.url);
  for (const path of products.map((name) => join(native, name))) {
    expect(Object.keys(require(path) as object)).not.toContain('provokePanic');
    expect(readFileSync(path).includes('provoked by a test')).toBe(false);
  }
  const broken = engine['NAPI_RS_NATIVE_LIBRARY_PATH'] ?? '';
  // Else the two lines above would prove nothing.
  expect(readFileSync(broken).includes('provoked by a test')).toBe(true);
});

/** A client that stands there, and stays. */
async function clientIn(phase: (typeof stations)[number]): Promise<RawConnection> {
  const address = { ...site.gateway.imaps, localAddress: unluckyHost };
  if (phase === 'spliced') return logIn(address, cid);
  const client = await connectRaw(address);
  await client.line();
  if (phase === 'preamble') return client;
  // Its server greets and says nothing more; the crowd is connected already.
  site.ex1.setTalk((connection) => {
    connection.send('* OK [CAPABILITY IMAP4rev1 LITERAL+ ID] mute\r\n');
    return new Promise(() => undefined);
  });
  client.send(`a LOGIN "${cid.user}" "${cid.password}"\r\n`);
  return client;
}

const crowdCount = 50;
const unluckyHost = '127.0.9.9';
