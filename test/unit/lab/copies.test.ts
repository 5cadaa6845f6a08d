/** Who may serve a database, who gets it next, and how a copy follows: without processes and sockets. */
import { expect, test } from 'vitest';
import { bestCopy } from '#gateway/lab/best-copy';
import { LabHost } from '#gateway/lab/host';
import { Mounts, leaseMs } from '#gateway/lab/mounts';
import { FrameReader, type Frame, encodeFrame } from '#gateway/lab/replication/frames';
import type { Change } from '#gateway/lab/store/change';
import { Copy } from '#gateway/lab/store/copy';

const db1 = { database: 'db1', epoch: 1 };

test('counts from the question, and ends on time', () => {
  const mounts = new Mounts();
  mounts.mount(db1);
  expect(mounts.mayServe('db1', 0)).toBe(false);
  mounts.renew(mounts.ask(1_000), [db1]);
  expect(mounts.mayServe('db1', 1_000 + leaseMs - 1)).toBe(true);
  expect(mounts.mayServe('db1', 1_000 + leaseMs)).toBe(false);
});

test('an answer that lay in the pipe during a freeze renews nothing', () => {
  const mounts = new Mounts();
  mounts.mount(db1);
  const beat = mounts.ask(0);
  const thawedAt = 60_000;
  mounts.renew(beat, [db1]);
  expect(mounts.mayServe('db1', thawedAt)).toBe(false);
});

test('what the answer lacks, or has with another epoch, is not mounted any more', () => {
  const mounts = new Mounts();
  mounts.mount(db1);
  mounts.mount({ database: 'db2', epoch: 4 });
  expect(mounts.renew(mounts.ask(0), [db1, { database: 'db2', epoch: 5 }])).toEqual(['db2']);
  expect(mounts.mayServe('db2', 0)).toBe(false);
});

test('an answer to no question of ours gives no lease, and no mount', () => {
  const mounts = new Mounts();
  mounts.renew(99, [db1]);
  expect(mounts.isLeased(0)).toBe(false);
  mounts.renew(mounts.ask(0), [db1]);
  expect(mounts.mayServe('db1', 0)).toBe(false);
});

const at = (server: string, state: 'live' | 'frozen' | 'dead', epoch?: number, seq = 0) => {
  const position = { epoch: epoch ?? 0, seq };
  const report = { database: 'db1', position, isWhole: (epoch ?? 0) > 0, isLinked: true };
  return { server, state, report: epoch === undefined ? undefined : report };
};
test.each<[string, ReturnType<typeof at>[], object]>([
  ['the one in step', [at('ex1', 'dead'), at('ex2', 'live', 3)], { is: 'copy', server: 'ex2' }],
  [
    'of two, the one with more',
    [at('ex1', 'live', 3, 5), at('ex2', 'live', 3, 6)],
    { is: 'copy', server: 'ex2' },
  ],
  [
    'of equals, the preferred',
    [at('ex1', 'live', 3, 6), at('ex2', 'live', 3, 6)],
    { is: 'copy', server: 'ex1' },
  ],
  [
    'an older one is not opened while the newest may thaw',
    [at('ex1', 'frozen', 3), at('ex2', 'live', 2)],
    { is: 'wait' },
  ],
  [
    'an older one is, when the newest is lost',
    [at('ex1', 'dead'), at('ex2', 'live', 2)],
    { is: 'copy', server: 'ex2' },
  ],
  ['one that has not spoken may hold it', [at('ex1', 'dead'), at('ex2', 'live')], { is: 'wait' }],
  ['nobody has it: anew', [at('ex1', 'dead'), at('ex2', 'live', 0)], { is: 'new', server: 'ex2' }],
  ['nobody lives', [at('ex1', 'dead'), at('ex2', 'frozen', 3)], { is: 'wait' }],
])('%s', (_, candidates, choice) => {
  expect(bestCopy(3, candidates)).toEqual(choice);
});

const ann = 'ann@demo.test';
const inbox = { user: ann, folder: 'INBOX' };
const created: Change = { kind: 'create', ...inbox, uidValidity: 7, uidNext: 1 };
const appended = (uid: number): Change => {
  return { kind: 'append', ...inbox, uid, flags: [], internalDate: 5, bytes: Buffer.from(`mail ${uid}\n{}`) };
};

test('is told whole by its changes, the next UID included', () => {
  const copy = new Copy();
  for (const change of [created, appended(1), appended(2), appended(3)]) copy.apply(change);
  copy.apply({ kind: 'flags', ...inbox, uid: 2, flags: ['\\Seen'] });
  copy.apply({ kind: 'expunge', ...inbox, uids: [1, 3] });
  copy.apply({ kind: 'subscribe', user: ann, folder: 'INBOX', isSubscribed: true });
  copy.apply({ kind: 'create', user: ann, folder: 'a', uidValidity: 8, uidNext: 1 });
  copy.apply({ kind: 'rename', user: ann, folder: 'a', to: 'b' });
  for (const script of ['one', 'two', 'three'])
    copy.apply({ kind: 'putScript', user: ann, script, text: 'keep;' });
  copy.apply({ kind: 'activateScript', user: ann, script: 'one' });
  copy.apply({ kind: 'renameScript', user: ann, script: 'one', to: 'first' });
  copy.apply({ kind: 'deleteScript', user: ann, script: 'two' });

  const other = new Copy();
  for (const change of copy.told()) other.apply(change);
  expect(other.accountOf(ann)).toEqual(copy.accountOf(ann));
  expect(other.folderOf(ann, 'INBOX')).toMatchObject({
    uidNext: 4,
    uidValidity: 7,
    messages: [{ uid: 2 }],
  });
  expect(other.accountOf(ann)).toMatchObject({ activeScript: 'first' });
  expect([...other.accountOf(ann).scripts.keys()]).toEqual(['three', 'first']);
});

test('a script that is gone is not the active one', () => {
  const copy = new Copy();
  copy.apply({ kind: 'activateScript', user: ann, script: 'none' });
  expect(copy.accountOf(ann).activeScript).toBe('');
  copy.apply({ kind: 'putScript', user: ann, script: 'a', text: 'keep;' });
  copy.apply({ kind: 'activateScript', user: ann, script: 'a' });
  copy.apply({ kind: 'deleteScript', user: ann, script: 'a' });
  expect(copy.accountOf(ann).activeScript).toBe('');
});

test('frames come out as they went in, at every split point', () => {
  const frames: Frame[] = [
    { type: 'follow', server: 'ex1' },
    { type: 'part', database: 'db1', epoch: 1, change: created },
    { type: 'change', database: 'db1', epoch: 1, seq: 4, change: appended(1) },
    { type: 'ack', database: 'db1', epoch: 1, seq: 4 },
  ];
  const bytes = Buffer.concat(frames.flatMap(encodeFrame));
  for (let size = 1; size <= bytes.length; size += 1) {
    const reader = new FrameReader();
    const read: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.take(bytes.subarray(at, at + size)));
    expect(read).toEqual(frames);
  }
});

test('what is no frame is refused', () => {
  expect(() => [...new FrameReader().take(Buffer.from('no frame\n'))]).toThrow('JSON');
  expect(() => [...new FrameReader().take(Buffer.from('{"type":"change","bytes":99999999999}\n'))]).toThrow(
    'a frame of wrong size',
  );
});

const host = () => {
  const accounts = [{ mailbox: ann, password: 'demo', database: 'db1' }];
  const made = new LabHost({ server: 'ex2', accounts, monotonic: () => 0, now: () => 0 });
  made.heard(made.mounts.ask(0), []);
  return made;
};
const whole = (epoch: number, seq: number): Frame[] => [
  { type: 'whole', database: 'db1', epoch },
  { type: 'part', database: 'db1', epoch, change: created },
  { type: 'inStep', database: 'db1', epoch, seq },
];
const change = (epoch: number, seq: number): Frame => {
  return { type: 'change', database: 'db1', epoch, seq, change: appended(seq) };
};

test('is in step when it has the whole copy, and acknowledges each change', () => {
  const ex2 = host();
  expect(whole(1, 3).map((frame) => ex2.follow(frame))).toEqual([undefined, undefined, { epoch: 1, seq: 3 }]);
  expect(ex2.follow(change(1, 4))).toEqual({ epoch: 1, seq: 4 });
  expect(ex2.reports(true)).toEqual([
    { database: 'db1', position: { epoch: 1, seq: 4 }, isWhole: true, isLinked: true },
  ]);
});

test('a gap is refused, so that the link starts again', () => {
  const ex2 = host();
  for (const frame of whole(1, 3)) ex2.follow(frame);
  expect(() => ex2.follow(change(1, 5))).toThrow('a change is missing');
});

test('frames of an older epoch are ignored', () => {
  const ex2 = host();
  for (const frame of whole(2, 3)) ex2.follow(frame);
  expect(ex2.follow(change(1, 4))).toBeUndefined();
  expect(ex2.reports(true)[0]?.position).toEqual({ epoch: 2, seq: 3 });
});

test('a later epoch elsewhere fences off who believes to be active', async () => {
  const ex2 = host();
  ex2.mount({ database: 'db1', epoch: 1 }, true);
  const verdict = await ex2.login('ANN@demo.test', 'demo');
  if (verdict.is !== 'in') throw new Error(verdict.is);
  const goodbyes: string[] = [];
  verdict.account.onGone((why) => goodbyes.push(why));
  expect(await verdict.account.commit([appended(6)])).toBe(true);

  for (const frame of whole(2, 9)) ex2.follow(frame);
  expect(goodbyes).toEqual(['the active copy of db1 is not here any more']);
  expect(await verdict.account.commit([appended(7)])).toBe(false);
  expect(await ex2.login(ann, 'demo')).toEqual({
    is: 'unavailable',
    why: 'the active copy of db1 is not here',
  });
  expect(verdict.account.folder('INBOX')?.messages).toEqual([]);
});
