import { expect, test } from 'vitest';
import type { SessionId } from '#model/ids';
import {
  type EngineEvent,
  type EngineLink,
  bytesMax,
  createInbox,
  createOutbox,
  noDatabase,
  ops,
  recordWords,
  recordsMax,
} from '#workers/engine-link';

const id = (31 * 2 ** 48 + 12_345) as SessionId;
const request = {
  server: 2,
  database: -1,
  generation: 2 ** 40 + 3,
  mailboxLow: 0xffff_fffe,
  mailboxHigh: 9,
  isExclusive: true,
  script: Buffer.from('script'),
};

test('events come out in order, with ids beyond 32 bits and their own bytes', () => {
  const link = engine();
  link.give([1, 5, 0, 0x1_0002, 'a b'], [2, 12_345, 31 * 2 ** 16, 7, ''], [3, 1, 0, 9, '\xff\0x']);
  expect(readAll(link)).toEqual([
    { kind: 1, id: 5, argument: 0x1_0002, text: 'a b' },
    { kind: 2, id, argument: 7, text: '' },
    { kind: 3, id: 1, argument: 9, text: '\xff\0x' },
  ]);
});

test('a negative count says that more is waiting', () => {
  const link = engine();
  const inbox = createInbox(link);
  link.give([2, 1, 0, 0, 'a']);
  link.isMore = true;
  const seen: string[] = [];
  expect(inbox.read(({ text }) => seen.push(text))).toBe(true);
  link.isMore = false;
  expect(inbox.read(({ text }) => seen.push(text))).toBe(false);
  expect(seen).toEqual(['a']);
});

test('an event keeps its text when the arrays are filled again', () => {
  const link = engine();
  const inbox = createInbox(link);
  const seen: EngineEvent[] = [];
  for (const text of ['first', 'other']) {
    link.give([2, 1, 0, 0, text]);
    inbox.read((event) => seen.push(event));
  }
  expect(seen.map(({ text }) => text)).toEqual(['first', 'other']);
});

test('commands of a batch are scheduled once and submitted together', () => {
  const link = engine();
  let scheduled = 0;
  const outbox = createOutbox(link, () => void scheduled++);
  outbox.put(ops.write, id, 37, '* OK \xe9\r\n');
  outbox.putName(id, 'anné');
  outbox.put(ops.end, 1 as SessionId, 4, '');
  expect([scheduled, link.submitted.length]).toEqual([1, 0]);
  outbox.flush();
  outbox.flush();
  expect(link.submitted).toEqual([
    [
      [ops.write, 12_345, 31 * 2 ** 16, 37, '* OK \xe9\r\n'],
      [ops.name, 12_345, 31 * 2 ** 16, 0, Buffer.from('anné').toString('latin1')],
      [ops.end, 1, 0, 4, ''],
    ],
  ]);
  outbox.put(ops.hold, id, 1, '');
  expect(scheduled).toBe(2);
});

test('a handoff is written as the contract says', () => {
  const link = engine();
  const outbox = createOutbox(link, () => undefined);
  outbox.putHandoff(id, 29, request);
  outbox.flush();
  const [op, , , argument, text] = link.submitted[0]?.[0] ?? [];
  const bytes = Buffer.from(String(text), 'latin1');
  const words = Array.from({ length: 7 }, (_, index) => bytes.readUInt32LE(index * 4));
  expect([op, argument]).toEqual([ops.handoff, 29]);
  expect(words).toEqual([2, noDatabase, 3, 256, 0xffff_fffe, 9, 1]);
  expect(bytes.toString('latin1', 28)).toBe('script');
});

test('V53: what has been submitted is overwritten', () => {
  const link = engine();
  const outbox = createOutbox(link, () => undefined);
  outbox.putHandoff(id, 0, { ...request, script: Buffer.from('hunter2-canary') });
  outbox.flush();
  expect(link.lastBytes?.includes('hunter2-canary')).toBe(false);
});

test('a batch beyond the arrays is submitted in parts, in order and whole', () => {
  const link = engine();
  const outbox = createOutbox(link, () => undefined);
  for (let index = 0; index < recordsMax + 1; index++) outbox.put(ops.hold, id, index, '');
  expect(link.submitted.map((batch) => batch.length)).toEqual([recordsMax]);
  outbox.put(ops.write, id, 0, 'x'.repeat(bytesMax));
  expect(link.submitted.map((batch) => batch.length)).toEqual([recordsMax]);
  outbox.put(ops.write, id, 0, 'y');
  outbox.flush();
  expect(link.submitted.map((batch) => batch.length)).toEqual([recordsMax, 2, 1]);
  expect(
    link.submitted
      .flat()
      .map(([, , , argument]) => argument)
      .slice(0, recordsMax + 1),
  ).toEqual(Array.from({ length: recordsMax + 1 }, (_, index) => index));
});

type Record = [number, number, number, number, string];

interface ArrayEngine extends EngineLink {
  give(...records: Record[]): void;
  isMore: boolean;
  readonly submitted: Record[][];
  lastBytes: Buffer | undefined;
}

function engine(): ArrayEngine {
  let waiting: Record[] = [];
  return {
    isMore: false,
    submitted: [],
    lastBytes: undefined,
    give: (...records) => void (waiting = records),
    drain(heads, bytes) {
      let at = 0;
      waiting.forEach(([kind, low, high, argument, text], index) => {
        heads.set([kind, low, high, argument, text.length], index * recordWords);
        at += Buffer.from(bytes.buffer).write(text, at, 'latin1');
      });
      const count = waiting.length;
      waiting = [];
      return this.isMore ? -count - 1 : count;
    },
    submit(heads, count, bytes) {
      this.lastBytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      const batch = Array.from({ length: count }, (_, index): Record => {
        const [op = 0, low = 0, high = 0, argument = 0, length = 0] = heads.subarray(index * recordWords);
        return [op, low, high, argument, Buffer.from(bytes.buffer).toString('latin1', at, (at += length))];
      });
      this.submitted.push(batch);
    },
    lookup: () => false,
    pinOf: () => -1,
    hashServer: () => -1,
    leave: () => undefined,
  };
}

function readAll(link: EngineLink): EngineEvent[] {
  const seen: EngineEvent[] = [];
  createInbox(link).read((event) => seen.push(event));
  return seen;
}
