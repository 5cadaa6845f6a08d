/** What a worker tells the operator is bounded, however it is provoked. */
import { expect, test } from 'vitest';
import { createReport, reportsPerSecondMax, reportsUnheardMax } from '#workers/report';
import { fakeClock } from '../../support/fake-clock.ts';

function rig() {
  const clock = fakeClock();
  const told: string[] = [];
  const port = {
    postMessage: (message: { text?: string }) => void told.push(message.text ?? ''),
    on: () => undefined,
    close: () => undefined,
  };
  return { clock, told, report: createReport(port as never, clock) };
}

test('what goes beyond the reports of a second is left out, and counted in the next one', () => {
  const { clock, told, report } = rig();
  for (let count = 0; count < reportsPerSecondMax + 3; count++) report.warn('trouble');
  expect(told.length).toBe(reportsPerSecondMax);
  clock.advance(1_000);
  report.warn('trouble');
  expect(told.at(-1)).toBe('trouble (3 reports before it were left out)');
});

test('F27 a main thread that stands still is told so much and no more, until it is heard of again', () => {
  const { clock, told, report } = rig();
  for (let second = 0; second < 60; second++) {
    for (let count = 0; count < reportsPerSecondMax; count++) report.warn('trouble');
    clock.advance(1_000);
  }
  expect(told.length).toBe(reportsUnheardMax);
  report.heard();
  report.warn('trouble');
  expect(told.at(-1)).toMatch(/^trouble \(500 reports before it were left out\)$/);
});
