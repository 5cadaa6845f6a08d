/** F25: what a crowd of clients sees of a worker's end, whichever way it ends. Nobody spliced is lost. */
import { cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  finishLogins,
  greetClients,
  logInGreeted,
  ownAddress,
  startCrowd,
  startLogins,
} from '../support/crowd.ts';
import { eventually, timed } from '../support/eventually.ts';
import { type GatewayStart, posternPath } from '../support/gateway.ts';
import { logIn, serverNameOf } from '../support/imap-talk.ts';
import { type StubSite, ann, bob, cid, startStubSite } from '../support/stub-site.ts';
import { say } from '../support/survival.ts';
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts';
import { statusOf } from '../support/watching.ts';
import { type WorkerFault, type WorkerFaults, makeWorkerFaults } from '../support/worker-faults.ts';

let site: StubSite;
let faults: WorkerFaults;

afterEach(async () => {
  await site?.close();
});

async function start(workers: number, start?: GatewayStart): Promise<void> {
  faults = await makeWorkerFaults();
  site = await startStubSite({ POSTERN_WORKERS: String(workers), ...faults.settings }, start);
  await eventually('the workers', () => faults.threads().length === workers);
}

const ways: readonly WorkerFault[] = ['terminate', 'throw', 'reject', 'exit', 'loop', 'memory'];
const cases = ways.flatMap((fault) => [1, 2].map((workers) => ({ fault, workers })));

test.each(cases)(
  'F25 a worker, one of $workers, that ends by $fault: nobody spliced is lost, everybody is answered',
  async ({ fault, workers }) => {
    await start(workers);
    const { gateway } = site;
    const crowd = await startCrowd(gateway, spliced);
    const [fresh, talking] = [
      await greetClients(gateway, 20, freshCount),
      await startLogins(gateway, 30, talkingCount),
    ];
    crowd.mark();
    const { tookMs } = await timed(async () => {
      await faults.strike(faults.threads()[0] ?? 0, fault);
      await Promise.all([0, 1, 2, 3].map((index) => newLogin(index)));
    });
    const [served, answers] = await Promise.all([logInGreeted(fresh, cid), finishLogins(talking, cid)]);
    await replaced(workers);
    await crowd.endMark();
    const pulse = await crowd.stop();

    const toldToCome = answers.filter((line) => line.startsWith('* BYE [UNAVAILABLE]')).length;
    const went = answers.filter((line) => line.startsWith('a OK')).length;
    say(
      `worker ${fault}, one of ${workers}: ${pulse.spliced} spliced, ${pulse.lost.length} lost ` +
        `(${pulse.roundsInMark} NOOPs meanwhile, slowest ${pulse.slowestMs} ms); ${freshCount} fresh, ` +
        `${served.filter(isOk).length} served; ${talkingCount} in preamble, ${went} served, ` +
        `${toldToCome} told to come again; new logins after ${Math.round(tookMs)} ms`,
    );
    expect(pulse.lost).toEqual([]);
    expect(served.filter((answer) => !isOk(answer))).toEqual([]);
    expect(went + toldToCome).toBe(talkingCount);
    // A lone worker had them all, so nobody else can know what they had said.
    if (workers === 1) expect(went).toBe(0);
    expect(tookMs).toBeLessThan(5_000);
    expect(pulse.slowestMs).toBeLessThan(slowRoundMs);
  },
);

test.each([1, 2])(
  'F25 a worker, one of %i, whose replacement fails to import: who is spliced stays until it is mended',
  async (workers) => {
    const tree = await copyOfDist();
    await start(workers, { posternPath: join(tree, 'dist/gateway/cli/postern.js') });
    const { gateway } = site;
    const crowd = await startCrowd(gateway, spliced);
    const fresh = await greetClients(gateway, 20, freshCount);
    const talking = await startLogins(gateway, 30, talkingCount);
    const entry = join(tree, 'dist/workers/serve.js');
    renameSync(entry, `${entry}.good`);
    writeFileSync(entry, "throw new Error('broken by a test');\n");
    crowd.mark();
    await faults.strike(faults.threads()[0] ?? 0, 'exit');
    await eventually('two failed imports', () => gateway.log().split('broken by a test').length > 2);
    const others = workers === 1 ? 0 : await loginsWhileBroken();
    renameSync(`${entry}.good`, entry);
    const { tookMs } = await timed(async () => {
      await newLogin(0);
      await replaced(workers);
    });
    const [served, answers] = await Promise.all([logInGreeted(fresh, cid), finishLogins(talking, cid)]);
    await crowd.endMark();
    const pulse = await crowd.stop();
    removeTempFolder(tree);

    const answered = answers.filter((line) => /^(a OK|\* BYE \[UNAVAILABLE\])/.test(line)).length;
    say(
      `worker fails to import, one of ${workers}: ${pulse.spliced} spliced, ${pulse.lost.length} lost ` +
        `(${pulse.roundsInMark} NOOPs meanwhile, slowest ${pulse.slowestMs} ms); ${freshCount} fresh, ` +
        `${served.filter(isOk).length} served; ${talkingCount} in preamble, ${answered} answered; ` +
        `${others} logins while broken; up again ${Math.round(tookMs)} ms after the mend`,
    );
    expect(pulse.lost).toEqual([]);
    expect(served.filter((answer) => !isOk(answer))).toEqual([]);
    expect(answered).toBe(talkingCount);
    expect(others).toBe(workers === 1 ? 0 : 4);
    // The longest pause between two tries is 5 s.
    expect(tookMs).toBeLessThan(7_000);
  },
);

test('F25 with two workers the other serves at once, while one is replaced', async () => {
  await start(2);
  const { gateway } = site;
  await faults.strike(faults.threads()[0] ?? 0, 'exit');
  const logins = Array.from({ length: 16 }, (_, index) =>
    logIn(ownAddress(gateway, 40, index), index % 2 ? ann : bob),
  );
  const done = await Promise.allSettled(logins);
  // Only who was in mid-sentence with the one that died may have been told to come again.
  const told = done.flatMap((each) => (each.status === 'rejected' ? String(each.reason) : []));
  expect(told.filter((words) => !words.includes('BYE [UNAVAILABLE]'))).toEqual([]);
  expect(told.length).toBeLessThan(16);
});

/** A client that comes now; where it is told to come again, it does. */
function newLogin(index: number): Promise<void> {
  const [account, server] = index % 2 === 0 ? [ann, 'ex1'] : [bob, 'ex2'];
  const address = ownAddress(site.gateway, 40, index);
  return eventually(
    'a login',
    async () => {
      const client = await logIn(address, account, 10_000);
      expect(await serverNameOf(client)).toBe(server);
      client.destroy();
      return true;
    },
    { withinMs: 15_000 },
  ).then(() => undefined);
}

async function loginsWhileBroken(): Promise<number> {
  await Promise.all([0, 1, 2, 3].map(newLogin));
  return 4;
}

async function replaced(workers: number): Promise<void> {
  await eventually('every worker up, one of them anew', async () => {
    const rows = (await statusOf(site.gateway)).workers;
    const restarts = rows.reduce((sum, row) => sum + row.restarts, 0);
    return rows.length === workers && rows.every(({ state }) => state === 'up') && restarts > 0;
  });
}

/** A tree of its own, so that breaking a file in it breaks no other test. The engine is the same. */
async function copyOfDist(): Promise<string> {
  const root = dirname(dirname(dirname(dirname(posternPath))));
  const tree = await makeTempFolder('tree');
  cpSync(join(root, 'dist'), join(tree, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(tree, 'package.json'));
  mkdirSync(join(tree, 'native'));
  for (const name of ['node_modules', 'native/index.js']) symlinkSync(join(root, name), join(tree, name));
  return tree;
}

function isOk(answer: string): boolean {
  return answer.startsWith('OK');
}

const spliced = 50;
const freshCount = 20;
const talkingCount = 20;
/** A spliced exchange is the engine's alone; this much is the test's own load on few cores. */
const slowRoundMs = 1_000;
