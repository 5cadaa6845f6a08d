import { expect, test } from 'vitest';
import { codeOf } from '#model/end-reason';
import type { ToWorker, WorkerTask } from '#model/messages';
import { events, type EngineLink, ops, recordWords } from '#workers/engine-link';
import { runWorker } from '#workers/worker';
import { fakeClock } from '../../support/fake-clock.ts';
import { tableOf, usualWorld } from '../../trace/world.ts';

const opened = '192.0.2.7 50000 198.51.100.1 993 TLSv1.3 X - -';

test('a worker says that it is up, answers pings, and leaves when told to stop', async () => {
  const rig = openWorker();
  rig.tell({ type: 'ping', at: 42 });
  expect(rig.posted).toEqual([{ type: 'up' }, { type: 'pong', at: 42, sessions: 0 }]);
  rig.tell({ type: 'stop' });
  await rig.over;
  expect([rig.hasLeft(), rig.isClosed()]).toEqual([true, true]);
});

test('a batch of sessions is answered by one submit', async () => {
  const rig = openWorker();
  for (let session = 1; session <= 50; session++) rig.give([events.opened, session, 0, opened]);
  await rig.settle();
  for (let session = 1; session <= 50; session++) rig.give([events.line, session, 8, 'a NOOP']);
  await rig.settle();
  expect(rig.submits).toBe(2);
  expect(rig.said.filter((line) => line.includes('a OK NOOP')).length).toBe(50);
});

test('a fault of ours ends its own session and no other, and is reported without secrets', async () => {
  const rig = openWorker();
  rig.give([events.opened, 1, 0, opened], [events.opened, 2, 0, opened]);
  await rig.settle();
  rig.lookup = () => {
    throw new Error('canary-hunter2');
  };
  rig.give([events.line, 1, 25, 'a LOGIN ann hunter2']);
  await rig.settle();
  rig.give([events.line, 2, 8, 'a NOOP'], [events.line, 1, 33, 'b NOOP']);
  await rig.settle();
  expect(rig.said.at(-2)).toBe(
    `${ops.end} 1 ${codeOf('internal_error')} * BYE [UNAVAILABLE] Temporary failure, try again later`,
  );
  expect(rig.said.at(-1)).toContain('2 8 a OK NOOP');
  const logged = JSON.stringify(rig.posted);
  expect(logged).toContain('fault in session 00000000000001: Error at ');
  expect(logged).not.toContain('hunter2');
  rig.tell({ type: 'stop' });
  await rig.over;
});

test('a flood of faults is reported ten times a second, and the rest counted', async () => {
  const rig = openWorker();
  rig.lookup = () => {
    throw new Error('x');
  };
  const burst = async (from: number, to: number): Promise<void> => {
    for (let session = from; session < to; session++) {
      rig.give([events.opened, session, 0, opened], [events.line, session, 25, 'a LOGIN ann x']);
    }
    await rig.settle();
  };
  await burst(1, 26);
  rig.clock.advance(1000);
  await burst(26, 27);
  const logs = rig.posted.filter((message) => message.type === 'log');
  expect(logs.length).toBe(11);
  expect(logs.at(-1)).toMatchObject({
    text: expect.stringContaining('(15 reports before it were left out)'),
  });
});

test('an unknown frontend ends its session', async () => {
  const rig = openWorker();
  rig.give([events.opened, 1, 9, opened]);
  await rig.settle();
  expect(rig.said).toEqual([`${ops.end} 1 ${codeOf('internal_error')}`]);
});

test('events for a session that is gone are dropped, and so are kinds that nobody knows', async () => {
  const rig = openWorker();
  rig.give(
    [events.opened, 1, 0, opened],
    [events.closed, 1, codeOf('client_quit'), ''],
    [events.line, 1, 8, 'a NOOP'],
  );
  rig.give([events.line, 7, 8, 'a NOOP'], [99, 1, 0, '']);
  await rig.settle();
  expect(rig.said.filter((line) => line.includes('NOOP'))).toEqual([]);
});

test('an engine that fails rejects the task, so that the pool starts another worker', async () => {
  const rig = openWorker();
  rig.failDrain = true;
  rig.wake();
  await expect(rig.over).rejects.toThrow('the engine is broken');
});

type Given = [kind: number, session: number, argument: number, text: string];

interface WorkerRig {
  give(...events: Given[]): void;
  tell(message: ToWorker): void;
  settle(): Promise<void>;
  wake(): void;
  hasLeft(): boolean;
  isClosed(): boolean;
  lookup: () => boolean;
  failDrain: boolean;
  submits: number;
  readonly said: string[];
  readonly posted: { type: string; text?: string }[];
  readonly clock: ReturnType<typeof fakeClock>;
  over: Promise<void>;
}

/** A worker between an engine made of arrays and a port made of arrays. */
function openWorker(): WorkerRig {
  const waiting: Given[] = [];
  const scheduled: (() => void)[] = [];
  let [hasLeft, isClosed] = [false, false];
  let tell: (message: ToWorker) => void = () => undefined;
  const rig: WorkerRig = {
    give: (...given) => void waiting.push(...given),
    tell: (message) => tell(message),
    wake: () => undefined,
    async settle() {
      do {
        rig.wake();
        await new Promise((resolve) => setImmediate(resolve));
        for (const run of scheduled.splice(0)) run();
      } while (waiting.length > 0 || scheduled.length > 0);
    },
    hasLeft: () => hasLeft,
    isClosed: () => isClosed,
    lookup: () => false,
    failDrain: false,
    submits: 0,
    said: [],
    posted: [],
    clock: fakeClock(),
    over: Promise.resolve(),
  };
  const port = {
    postMessage: (message: unknown) => void rig.posted.push(message as { type: string }),
    on: (_: 'message', listener: (message: unknown) => void) => (tell = listener),
    close: () => void (isClosed = true),
  };
  const link = linkOf(rig, waiting, () => void (hasLeft = true));
  const join = (_: number, wake: () => void): EngineLink => {
    rig.wake = wake;
    return link;
  };
  const later = (run: () => void): void => void scheduled.push(run);
  const openDialogue = (): never => {
    throw new Error('nobody submits here');
  };
  const environment = { join, clock: rig.clock, schedule: later, settle: later, openDialogue };
  rig.over = runWorker({ index: 0, port, ...usualTask() }, environment);
  return rig;
}

function linkOf(rig: WorkerRig, waiting: Given[], leave: () => void): EngineLink {
  return {
    drain(heads, bytes) {
      if (rig.failDrain) throw new Error('the engine is broken');
      let at = 0;
      const batch = waiting.splice(0);
      batch.forEach(([kind, session, argument, text], index) => {
        heads.set([kind, session, 0, argument, text.length], index * recordWords);
        at += Buffer.from(bytes.buffer).write(text, at, 'latin1');
      });
      return batch.length;
    },
    submit(heads, count, bytes) {
      rig.submits++;
      let at = 0;
      for (let index = 0; index < count; index++) {
        const [op, session, , argument, length = 0] = heads.subarray(index * recordWords);
        const text = Buffer.from(bytes.buffer).toString('latin1', at, (at += length));
        rig.said.push(`${op} ${session} ${argument} ${text}`.trim());
      }
    },
    lookup: () => rig.lookup(),
    pinOf: () => -1,
    hashServer: () => -1,
    leave,
  };
}

function usualTask(): Pick<WorkerTask, 'config' | 'table'> {
  const world = usualWorld();
  const waits = { holdForMs: 1000, loginTimeoutMs: 1000, greetingTimeoutMs: 1000 };
  const config = { frontends: [world.frontend], loginAttemptsMax: 3, hostname: 'mail.demo.test', ...waits };
  return { config, table: tableOf(world, 1) };
}
