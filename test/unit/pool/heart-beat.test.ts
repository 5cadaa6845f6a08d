import { expect, test } from 'vitest';
import { firstBeat, heard, look, troubleOf } from '#gateway/pool/heart-beat';
import type { HeartBeat } from '#gateway/pool/heart-beat';

const up = heard(firstBeat);

test.each<[string, HeartBeat, string | undefined]>([
  ['4.5 s without being up is not yet too long', looks(firstBeat, 9), undefined],
  ['5 s without being up is', looks(firstBeat, 10), 'not up within 5s'],
  ['four pings unanswered, the last just sent', looks(up, 4), undefined],
  ['four pings unanswered for 2 s', looks(up, 5), 'no answer to pings for 2s'],
  ['an answer starts the count again', looks(heard(looks(up, 4)), 4), undefined],
  ['an event of exactly 2 s is not old', looks(up, 4, 2_000), undefined],
  ['one look that finds an old event', look(up, 2_001), undefined],
  ['two looks in a row', looks(up, 2, 2_001), 'its oldest event waited over 2s'],
  ['two looks, taken between', look(look(look(up, 2_001), 0), 2_001), undefined],
  ['old events before the worker is up are not its own', looks(firstBeat, 3, 9_999), undefined],
])('%s', (_, beat, expected) => {
  expect(troubleOf(beat)).toBe(expected);
});

function looks(beat: HeartBeat, count: number, oldestMs = 0): HeartBeat {
  return count === 0 ? beat : looks(look(beat, oldestMs), count - 1, oldestMs);
}
