/**
 * F11, F29: clients that fetch much and read little, and servers that take little. Back-pressure is the bound
 * of memory: what one side has not taken is not read from the other.
 */
import { afterEach, expect, test } from 'vitest';
import { ownAddress, startCrowd } from '../support/crowd.ts';
import { eventually } from '../support/eventually.ts';
import { answerTo, logIn } from '../support/imap-talk.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { type StubServer, politeTalk } from '../support/stub-server.ts';
import { type StubSite, ann, startStubSite } from '../support/stub-site.ts';
import { say } from '../support/survival.ts';
import { residentMib, sessionsOf } from '../support/watching.ts';
import { makeWorkerFaults } from '../support/worker-faults.ts';

let site: StubSite;
let clients: RawConnection[] = [];

afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  // What a deaf server has not taken would keep its sockets from closing.
  await site?.ex1.crash();
  await site?.close();
});

const loads = [
  { load: 'fetch and read nothing', act: fetchAndReadNothing, isTrickling: false },
  { load: 'fetch and read in trickles', act: fetchAndReadNothing, isTrickling: true },
  { load: 'append to a server that takes nothing', act: appendInVain, isTrickling: false },
];

test.each(loads)(
  'F11 $load: memory stays within the watermark of each session, and others do not notice',
  async ({ load, act, isTrickling }) => {
    const faults = await makeWorkerFaults();
    site = await startStubSite({
      POSTERN_IO_THREADS: '2',
      POSTERN_WORKERS: '1',
      // All of them, and some of the crowd, are of one mailbox.
      POSTERN_USER_MAX_SESSIONS: '1000',
      ...faults.settings,
    });
    const { gateway, ex1 } = site;
    const crowd = await startCrowd(gateway, bystanders);
    ex1.setTalk(talkInBulk);
    clients = await Promise.all(
      Array.from({ length: sessions }, (_, index) => logIn(ownAddress(gateway, 80, index), ann)),
    );
    await faults.collectGarbage();
    const before = residentMib(gateway);
    await act();
    await eventually('that all streams are full', watchFullness(), { withinMs: 30_000, everyMs: 500 });
    const movedBefore = await movedMib();
    // Until now the test's own thread was busy with both ends of all these streams.
    crowd.mark();
    if (isTrickling) await trickleUntil(movedBefore + sessions / 4);
    await faults.collectGarbage();
    const grownKib = (residentMib(gateway) - before) * 1024;
    const moved = await movedMib();
    await crowd.endMark();
    const pulse = await crowd.stop();
    say(
      `${sessions} clients that ${load}: grown by ${(grownKib / sessions).toFixed(1)} KiB a session; ` +
        `${moved.toFixed(0)} MiB moved, ${(moved - movedBefore).toFixed(1)} of them when all was full; ` +
        `${pulse.spliced} others, ${pulse.lost.length} lost, ` +
        `p99 ${pulse.p99Ms} ms, slowest ${pulse.slowestMs} ms`,
    );
    expect(pulse.lost).toEqual([]);
    expect(grownKib).toBeLessThan(watermarkKib * sessions);
    expect(pulse.p99Ms).toBeLessThan(1_000);
    // A megabyte of each waits in the kernel: else nobody has pressed against anything.
    expect(moved).toBeGreaterThan(sessions);
  },
);

function fetchAndReadNothing(): Promise<void> {
  for (const client of clients) {
    client.pause();
    client.send('f FETCH 1 BODY[]\r\n');
  }
  return Promise.resolve();
}

/**
 * Each client takes a record at a time, until so much has moved. The kernel holds some MiB of each stream: at
 * 64 kbit/s it would be minutes until it asked the gateway for more.
 */
async function trickleUntil(wantedMib: number): Promise<void> {
  let turn = 0;
  const takeSome = () => {
    for (let count = 0; count < clientsPerTurn; count++) clients[turn++ % sessions]?.takeOne();
  };
  const timer = setInterval(takeSome, 4);
  await eventually('that the streams move', async () => (await movedMib()) > wantedMib, {
    withinMs: 20_000,
    everyMs: 250,
  }).finally(() => clearInterval(timer));
}

async function appendInVain(): Promise<void> {
  await Promise.all(clients.map((client) => answerTo(client, 'XDEAF')));
  for (const client of clients) void sendBulk(client, `f APPEND INBOX {${bodyBytes}+}\r\n`);
}

/** A server with a large mail, which it sends as fast as it is taken; told so, it takes nothing any more. */
function talkInBulk(connection: RawConnection, stub: StubServer): Promise<void> {
  return politeTalk(connection, stub, {
    FETCH: (tag) => sendBulk(connection, `${tag} OK not yet\r\n* 1 FETCH (BODY[] {${bodyBytes}}\r\n`),
    XDEAF: (tag) => {
      connection.send(`${tag} OK deaf\r\n`);
      connection.pause();
      return Promise.resolve();
    },
  });
}

async function sendBulk(connection: RawConnection, head: string): Promise<void> {
  connection.send(head);
  for (let sent = 0; sent < bodyBytes && connection.isOpen(); sent += piece.length) {
    connection.send(piece);
    await connection.flushed();
  }
}

/** Nothing moves any more, but for what a trickle takes: all that lies between the two ends is full. */
function watchFullness(): () => Promise<boolean> {
  let before = 0;
  return async () => {
    const now = await movedMib();
    const isFull = before > sessions && now - before < sessions / 50;
    before = now;
    return isFull;
  };
}

/** Over all sessions, both ways. */
async function movedMib(): Promise<number> {
  const rows = await sessionsOf(site.gateway);
  return rows.reduce((sum, { bytesIn, bytesOut }) => sum + bytesIn + bytesOut, 0) / 1024 / 1024;
}

/** The bound of faults.md's F11 for a session, whatever it moves. */
const watermarkKib = 64;
const sessions = 160;
const bystanders = 20;
const clientsPerTurn = 20;
const bodyBytes = 64 * 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 'x');
