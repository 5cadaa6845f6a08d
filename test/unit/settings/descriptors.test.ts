/** F28: how many connections there are descriptors for. */
import { expect, test } from 'vitest';
import { checkReport } from '#gateway/settings/check-report';
import { fitToDescriptors } from '#gateway/settings/descriptors';
import { machine, settingsOf, site } from './site.ts';

/** Two servers, one listener, 4 workers, 8 IO threads: what is no session's. */
const own = 104 + 4 * 8 + 8 * (16 + 2) + 2;

test('each connection takes two descriptors, and the limit is met at its edge', () => {
  const settings = settingsOf({ POSTERN_MAX_CONNECTIONS: '1000' });
  expect(fitToDescriptors(settings, own + 2000)).toEqual({ connectionsMax: 1000, shortage: undefined });
  const tight = fitToDescriptors(settings, own + 1999);
  expect(tight.connectionsMax).toBe(999);
  expect(tight.shortage).toMatch(
    /^1000 connections need 2\d{3} open files and the limit is \d+: 999 are taken/,
  );
});

test('where the limit is not known the setting stands, and without any room one connection is left', () => {
  const settings = settingsOf({});
  expect(fitToDescriptors(settings, undefined).connectionsMax).toBe(20_000);
  expect(fitToDescriptors(settings, 40).connectionsMax).toBe(1);
});

test("the agents' listener has descriptors of its own", () => {
  const settings = settingsOf({
    POSTERN_AGENT_LISTEN: '10.1.0.21:8453',
    POSTERN_AGENT_KEY_FILE: '/run/agent.key',
    POSTERN_MAX_CONNECTIONS: '1000',
  });
  expect(fitToDescriptors(settings, own + 2000).connectionsMax).toBe(1000 - 256);
});

test('check warns of a limit that is too low, beside the setting that it bounds', () => {
  const { rows, problems } = checkReport(site, { ...machine, descriptorsMax: 1024 });
  const row = rows.find(({ name }) => name === 'POSTERN_MAX_CONNECTIONS');
  expect(row).toMatchObject({ value: '20000', verdict: 'warning' });
  expect(row?.hint).toMatch(/: \d+ are taken; raise the limit/);
  expect(problems).toEqual([]);
});
