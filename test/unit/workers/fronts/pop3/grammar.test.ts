import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAuth, parseCommand, parseName, parseNoArgument } from '#workers/fronts/pop3/grammar';
import type { Parsed } from '#workers/fronts/syntax';

test.each<[string, string, string]>([
  ['a command alone', 'STAT', 'STAT'],
  ['a name in any case', 'cApA', 'CAPA'],
  ['an argument', 'USER ann', 'USER|ann'],
  ['an argument with spaces, all of them kept', 'PASS  two  words ', 'PASS| two  words '],
  ['an empty argument', 'PASS ', 'PASS|'],
  ['bytes beyond ASCII in an argument', 'PASS gr\xfc\xdf', 'PASS|gr\xfc\xdf'],
  ['an empty line', '', 'column 1'],
  ['a space first', ' STAT', 'column 1'],
  ['a digit in a name', 'LIST1', 'column 5'],
  ['a tab for a space', 'USER\tann', 'column 5'],
])('%s', (_, line, expected) => {
  const parsed = parseCommand(line);
  const words = 'value' in parsed ? [parsed.value.name, parsed.value.argument ?? []].flat().join('|') : '';
  expect(words || columnOf(parsed)).toBe(expected);
});

test.each<[string, string, string]>([
  ['nothing behind the command', 'CAPA', 'fine'],
  ['spaces behind it', 'CAPA  ', 'fine'],
  ['a word behind it', 'CAPA  x', 'column 7'],
])('no argument: %s', (_, line, expected) => {
  const parsed = parseNoArgument(commandOf(line));
  expect('value' in parsed ? 'fine' : columnOf(parsed)).toBe(expected);
});

test.each<[string, string, string]>([
  ['a mechanism alone', 'AUTH PLAIN', 'PLAIN'],
  ['with a response', 'AUTH plain AGEAYg==', 'plain|AGEAYg=='],
  ['with an empty response', 'AUTH PLAIN =', 'PLAIN|='],
  ['no mechanism', 'AUTH ', 'column 6'],
  ['two spaces', 'AUTH  PLAIN', 'column 6'],
  ['a mechanism that is none', 'AUTH PL"AIN', 'column 8'],
  ['a space and nothing', 'AUTH PLAIN ', 'column 12'],
  ['two responses', 'AUTH PLAIN a b', 'column 12'],
])('AUTH: %s', (_, line, expected) => {
  const parsed = parseAuth(commandOf(line));
  const words = 'value' in parsed ? [parsed.value.mechanism, parsed.value.initialResponse ?? []].flat() : [];
  expect(words.join('|') || columnOf(parsed)).toBe(expected);
});

test.each(['USER', 'USER '])('USER needs a name: %j', (line) => {
  expect(columnOf(parseName(commandOf(line)))).toBe('column 5');
});

test('a line is a command or a fault whose column lies in it or one behind it', () => {
  const latin1 = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(latin1, (line) => {
      const command = parseCommand(line);
      if ('value' in command) {
        const { name, argument } = command.value;
        expect([name, argument ?? []].flat().join(' ')).toBe(name + line.slice(name.length));
      }
      const faults = 'value' in command ? [parseAuth(command.value), parseName(command.value)] : [command];
      for (const parsed of faults) {
        if ('fault' in parsed) expect(parsed.fault.column).toBeLessThanOrEqual(line.length + 2);
      }
    }),
  );
});

function commandOf(line: string) {
  const parsed = parseCommand(line);
  return 'value' in parsed ? parsed.value : expect.unreachable(`${line} is a command`);
}

function columnOf(parsed: Parsed<unknown>): string {
  return 'fault' in parsed ? `column ${parsed.fault.column}` : 'no fault';
}
