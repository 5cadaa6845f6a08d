import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findingKinds } from '#gateway/doctor/finding';
import { reportOf } from '#gateway/doctor/report';
import { usable, port, server, site } from './site.ts';

const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8');

test('the page lists every finding as the table in the code has it', () => {
  const rows = Object.entries(findingKinds).map(
    ([id, { severity, about }]) => `| \`${id}\` | ${severity} | ${about} |`,
  );
  const shown = page.split('\n').filter((line) => /^\| `[\w-]+` \| (fault|warning|hint) \|/.test(line));
  expect(shown).toEqual(rows);
});

test('the page names every field of the report', () => {
  const report = reportOf(site({ servers: [server({ ports: [port({}, { lacks: ['offers no IDLE'] })] })] }));
  expect(usable.standing.certificate).toBeDefined();
  const names = namesIn(JSON.parse(JSON.stringify(report)) as unknown);
  expect(names.size).toBeGreaterThan(25);
  expect([...names].filter((name) => !new RegExp(`\`${name}(\\[\\])?\``).test(page))).toEqual([]);
});

function namesIn(value: unknown, names = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return names;
  for (const [name, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) names.add(name);
    namesIn(inner, names);
  }
  return names;
}
