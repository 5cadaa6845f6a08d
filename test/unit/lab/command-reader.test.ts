/** Commands cut from bytes, however the bytes come, and the limits of it. */
import { expect, test } from 'vitest';
import { ByteReader } from '#gateway/lab/byte-reader';
import { CommandReader, type Reading } from '#gateway/lab/command-reader';

const limits = { lineBytesMax: 40, literalBytesMax: 95, commandBytesMax: 100 };

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** All readings up to the first that is no command, as text, and how often a literal was invited. */
async function read(text: string, size = text.length) {
  let invited = 0;
  const reader = new CommandReader(
    new ByteReader(chunksOf(Buffer.from(text, 'latin1'), size)),
    () => void (invited += 1),
  );
  const readings: string[] = [];
  for (;;) {
    const reading = await reader.read(limits);
    readings.push(shown(reading));
    if (reading.is === 'ended' || reading.is === 'tooLong') return { readings, invited };
  }
}

function shown(reading: Reading): string {
  if (reading.is === 'command') return reading.bytes.toString('latin1');
  return reading.is === 'ended' ? 'ended' : `${reading.is} ${reading.tag}`;
}

test('commands are the same at every split point', async () => {
  const text = 'a1 NOOP\r\na2 LOGIN {3}\r\na\nb {2+}\r\nxy\r\na3 APPEND {0}\r\n\r\na4 X\n';
  const expected = ['a1 NOOP', 'a2 LOGIN {3}\r\na\nb {2+}\r\nxy', 'a3 APPEND {0}\r\n', 'a4 X', 'ended'];
  for (let size = 1; size <= text.length; size += 1) {
    expect(await read(text, size)).toEqual({ readings: expected, invited: 2 });
  }
});

test('what looks like a literal but is not at the end of its line is none', async () => {
  expect((await read('a {3} b\r\na "{3}"\r\n')).readings).toEqual(['a {3} b', 'a "{3}"', 'ended']);
});

test('a line may be as long as the limit, and no longer', async () => {
  const line = (bytes: number) => `a ${'x'.repeat(bytes - 4)}\r\n`;
  expect((await read(line(40))).readings).toEqual([line(40).trimEnd(), 'ended']);
  expect((await read(line(41))).readings).toEqual(['tooLong *']);
  expect((await read('x'.repeat(40), 7)).readings).toEqual(['tooLong *']);
});

test('a command may be as long as the limit, literals included', async () => {
  const head = 'a1 APPEND b {86}\r\n';
  expect(
    (await read(`${'a1 A {90}\r\n'.replace('90', '89')}${'x'.repeat(89)}\r\n`)).readings[0],
  ).toHaveLength(100);
  expect((await read(`${head}rest\r\n`)).readings).toEqual(['literalRefused a1', 'rest', 'ended']);
});

test('a refused literal is not invited, and one that comes uninvited ends the connection', async () => {
  expect(await read('a1 X {4294967295}\r\na2 Y\r\n')).toEqual({
    readings: ['literalRefused a1', 'a2 Y', 'ended'],
    invited: 0,
  });
  expect(await read('a1 X {4294967295+}\r\na2 Y\r\n')).toEqual({ readings: ['tooLong a1'], invited: 0 });
});

test('a connection that breaks within a literal gives no command', async () => {
  expect((await read('a1 X {10+}\r\nshort')).readings).toEqual(['ended']);
});
