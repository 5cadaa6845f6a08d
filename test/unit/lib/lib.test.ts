import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { writeAtomically } from '#lib/atomic-write';
import { backoffMs } from '#lib/backoff';
import { systemClock } from '#lib/clock';
import { openLog, openLogStream } from '#lib/log';
import { readFileBounded } from '#lib/read-file';
import { safeText } from '#lib/safe-text';
import { secretsEqual } from '#lib/secret-compare';
import { watchFile } from '#lib/watch-file';
import type { Watch } from '#lib/watch-file';
import { fakeClock } from '../../support/fake-clock.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

describe('safe text', () => {
  test.each([
    ['a\r\nb', 'a\\u000d\\u000ab'],
    ['\u001b[2J\u0000', '\\u001b[2J\\u0000'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['\u0085\u2028\ufeff\u200b', '\\u0085\\u2028\\ufeff\\u200b'],
    ['\ud800x\udc00', '\\ud800x\\udc00'],
    ['Grüße, 日本 😀', 'Grüße, 日本 😀'],
  ])('writes %j as %j', (text, expected) => {
    expect(safeText(text)).toBe(expected);
  });

  test('a text of the limit stays whole, one byte more is cut', () => {
    expect(safeText('x'.repeat(256))).toBe('x'.repeat(256));
    expect(safeText('x'.repeat(257))).toBe(`${'x'.repeat(253)}…`);
    expect(safeText('é'.repeat(128))).toBe('é'.repeat(128));
    expect(safeText('é'.repeat(129))).toBe(`${'é'.repeat(126)}…`);
  });

  test('V54: whatever comes in, no control or bidi character goes out, and never more than the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const safe = safeText(text);
        expect(safe).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(256);
        expect(Buffer.from(safe).toString()).toBe(safe);
      }),
    );
  });
});

describe('the log', () => {
  test('V54: a session is one JSON line with its fields made harmless', () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info', stream: arrayStream(lines) });
    log.session({ user: 'ann\n{"level":"error"}', bytesIn: 5, server: undefined });
    log.debug('not worth a line');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toContain('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      event: 'session',
      user: 'ann\\u000a{"level":"error"}',
      bytesIn: 5,
    });
  });

  test('what exceeds the buffer of a slow reader is dropped and counted, and nothing blocks', async () => {
    const folder = await makeTempFolder('log');
    const path = join(folder, 'log');
    writeFileSync(path, '');
    const { openSync } = await import('node:fs');
    const stream = openLogStream({ fd: openSync(path, 'a'), bufferBytesMax: 2000 });
    const log = openLog({ level: 'info', stream });
    // No turn of the event loop passes between these, so at most one write is under way.
    for (let count = 0; count < 100; count++) log.info('x'.repeat(100));
    expect(log.dropped()).toBeGreaterThan(50);
    await log.flush();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.length + log.dropped()).toBe(100);
  });
});

test('secrets are equal only when they are the same text', () => {
  expect(secretsEqual('abc', 'abc')).toBe(true);
  expect(secretsEqual('abc', 'abd')).toBe(false);
  expect(secretsEqual('abc', 'abcd')).toBe(false);
  expect(secretsEqual('', 'a')).toBe(false);
});

test('a backoff doubles, is spread over its upper half, and is bounded', () => {
  const bounds = { firstMs: 100, maxMs: 1000 };
  expect(backoffMs(0, bounds, () => 0)).toBe(50);
  expect(backoffMs(2, bounds, () => 0)).toBe(200);
  expect(backoffMs(3, bounds, () => 1)).toBe(800);
  expect(backoffMs(4, bounds, () => 1)).toBe(1000);
  expect(backoffMs(5000, bounds, () => 0.5)).toBe(750);
});

describe('files', () => {
  test('an atomic write replaces the content, keeps others out and leaves no draft', async () => {
    const folder = await makeTempFolder('atomic');
    const path = join(folder, 'state.json');
    await writeAtomically(path, 'one');
    await writeAtomically(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['state.json']);
  });

  test('an atomic write that fails leaves the old file and no draft', async () => {
    const folder = await makeTempFolder('atomic');
    const path = join(folder, 'taken');
    mkdirSync(path);
    await expect(writeAtomically(path, 'x')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|directory/);
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  test('a file is read up to its bound, and trouble comes in words', async () => {
    const folder = await makeTempFolder('read');
    const path = join(folder, 'file');
    writeFileSync(path, 'abcd');
    expect(readFileBounded(path, 4)).toEqual({ text: 'abcd' });
    expect(readFileBounded(path, 3)).toEqual({ trouble: `${path} is larger than 3 bytes` });
    expect(readFileBounded(join(folder, 'none'))).toEqual({
      trouble: `${join(folder, 'none')} does not exist`,
    });
    expect(readFileBounded(folder)).toEqual({ trouble: `${folder} is a folder` });
  });
});

describe('a watched file', () => {
  const watches: Watch[] = [];
  afterEach(() => {
    for (const watch of watches.splice(0)) watch.close();
  });

  test.each<[string, (folder: string) => void]>([
    ['written in place', (folder) => writeFileSync(join(folder, 'file'), 'longer text')],
    ['renamed over', replace],
    ['removed', (folder) => rmSync(join(folder, 'file'))],
    ['reached by a link that is swapped', swapLink],
  ])('is told when %s', async (_, change) => {
    const folder = await makeTempFolder('watch');
    writeFileSync(join(folder, 'file'), 'text');
    const told = createTold();
    watches.push(
      watchFile({
        path: join(folder, 'file'),
        clock: systemClock(),
        debounceMs: 20,
        pollMs: 50,
        onChange: told.tell,
      }),
    );
    expect(told.count()).toBe(1);
    change(folder);
    await told.reaches(2);
  });

  test('is found by the poll in a folder that is made later, and rests before it is told', async () => {
    const folder = join(await makeTempFolder('watch'), 'later');
    const clock = fakeClock();
    const told = createTold();
    watches.push(
      watchFile({ path: join(folder, 'file'), clock, debounceMs: 100, pollMs: 2000, onChange: told.tell }),
    );
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'text');
    clock.advance(1999);
    expect(told.count()).toBe(1);
    clock.advance(100);
    expect(told.count()).toBe(1);
    clock.advance(1);
    expect(told.count()).toBe(2);
    clock.advance(60_000);
    expect(told.count()).toBe(2);
  });

  test('that is closed has no timer left', async () => {
    const folder = await makeTempFolder('watch');
    const clock = fakeClock();
    watchFile({ path: join(folder, 'file'), clock, onChange: () => {} }).close();
    expect(clock.timers()).toBe(0);
  });
});

function createTold() {
  let count = 0;
  let wanted = Infinity;
  let reached: () => void = () => {};
  return {
    tell: () => {
      count++;
      if (count >= wanted) reached();
    },
    count: () => count,
    reaches: (times: number) =>
      new Promise<void>((resolve) => {
        wanted = times;
        reached = resolve;
        if (count >= times) resolve();
      }),
  };
}

function replace(folder: string): void {
  writeFileSync(join(folder, 'draft'), 'other');
  renameSync(join(folder, 'draft'), join(folder, 'file'));
}

/** As Kubernetes does it: the name is a link, and what it points to is exchanged. */
function swapLink(folder: string): void {
  writeFileSync(join(folder, 'new'), 'other');
  symlinkSync(join(folder, 'new'), join(folder, 'link'));
  renameSync(join(folder, 'link'), join(folder, 'file'));
}

function arrayStream(lines: string[]) {
  return {
    write: (line: string) => void lines.push(line),
    dropped: () => 0,
    flush: () => Promise.resolve(),
    close: () => undefined,
  };
}
