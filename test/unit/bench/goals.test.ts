import { expect, test } from 'vitest';
import { type Figures, type Goal, goals, verdictOf } from '../../../bench/goals.ts';
import { scenarios } from '../../../bench/scenarios/all.ts';

const ratio: Goal = { row: 'login.cpuUs', of: 'ratio', rival: 'haproxy', first: 0.6, stretch: 0.5 };
const difference: Goal = { row: 'x.y', of: 'difference', rival: 'haproxy', first: 0.2, stretch: 0 };
const figure: Goal = { row: 'x.y', of: 'figure', first: 7 };

test.each<[string, Goal, number, string, string]>([
  ['at the stretch goal', ratio, 0.5, 'stretch', 'stretch 0.50 x haproxy met'],
  ['between the goals', ratio, 0.55, 'met', 'goal 0.60 x haproxy met by 0.05'],
  ['at the first goal', ratio, 0.6, 'met', 'goal 0.60 x haproxy met by 0.00'],
  ['beyond it', ratio, 0.75, 'missed', 'goal 0.60 x haproxy missed by 0.15'],
  ['less than the rival', difference, -0.1, 'stretch', 'stretch 0.0 over haproxy met'],
  ['more than the rival', difference, 0.5, 'missed', 'goal 0.2 over haproxy missed by 0.3'],
  ['a figure under its goal', figure, 6.5, 'met', 'goal 7.0 met by 0.5'],
  ['a figure over its goal', figure, 7.5, 'missed', 'goal 7.0 missed by 0.5'],
])('%s', (_, goal, value, is, text) => {
  expect(verdictOf(goal, figuresWith(goal, value))).toEqual({ goal, value, is, text });
});

test('what was not measured is open, neither met nor missed', () => {
  const row: Figures = { id: 'x.y', digits: 1, figures: {}, ratios: {}, differences: {} };
  expect(verdictOf(ratio, row)).toMatchObject({ is: 'open', text: 'goal 0.60 x haproxy: not measured' });
});

test('every goal is of a row that some scenario gives', () => {
  const rows = new Set(scenarios.flatMap(({ name, rows: own }) => own.map((row) => `${name}.${row.figure}`)));
  expect(goals.filter(({ row }) => !rows.has(row)).map(({ row }) => row)).toEqual([]);
});

test('a stretch goal is harder than the first', () => {
  for (const { first, stretch } of goals) if (stretch !== undefined) expect(stretch).toBeLessThan(first);
});

function figuresWith(goal: Goal, value: number): Figures {
  const spread = { median: value, min: value, max: value };
  return {
    id: goal.row,
    digits: 1,
    figures: goal.of === 'figure' ? { postern: spread } : {},
    ratios: goal.of === 'ratio' ? { haproxy: spread } : {},
    differences: goal.of === 'difference' ? { haproxy: spread } : {},
  };
}
