import { expect, test } from 'vitest';
import { keepGoing } from '#lib/keep-going';
import { recordingLog } from '../../support/recording-log.ts';

test.each<[string, () => Promise<void> | void]>([
  [
    'throws',
    () => {
      throw new Error('disk gone');
    },
  ],
  ['rejects', () => Promise.reject(new Error('disk gone'))],
])('what %s is one line, and goes no further', async (_, run) => {
  const log = recordingLog();
  keepGoing(log, 'saving the state', run);
  await new Promise((resolve) => setImmediate(resolve));
  expect(log.lines).toEqual(['error: saving the state failed {"why":"disk gone"}']);
});

test('what goes well is no line', async () => {
  const log = recordingLog();
  const done: string[] = [];
  keepGoing(log, 'one', () => void done.push('one'));
  keepGoing(log, 'two', async () => void done.push('two'));
  await new Promise((resolve) => setImmediate(resolve));
  expect([done, log.lines]).toEqual([['one', 'two'], []]);
});
