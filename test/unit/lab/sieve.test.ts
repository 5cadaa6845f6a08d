/** The lab's ManageSieve without sockets: commands from bytes, scripts by their grammar. */
import { expect, test } from 'vitest';
import { parseCommand, parseString } from '#gateway/lab/sieve/grammar';
import { checkScript } from '#gateway/lab/sieve/script-grammar';
import { string } from '#gateway/lab/sieve/words';

test.each<[string, object]>([
  ['CAPABILITY', { name: 'CAPABILITY' }],
  ['listscripts', { name: 'LISTSCRIPTS' }],
  ['NOOP', { name: 'NOOP', tag: undefined }],
  ['NOOP "a \\"b\\\\"', { name: 'NOOP', tag: 'a "b\\' }],
  ['AUTHENTICATE "plain"', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: undefined }],
  ['AUTHENTICATE "PLAIN" {4+}\r\nAGEA', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: 'AGEA' }],
  ['HAVESPACE "a" 99', { name: 'HAVESPACE', script: 'a', size: 99 }],
  ['PUTSCRIPT {3+}\r\na b {4+}\r\n"\r\n;', { name: 'PUTSCRIPT', script: 'a b', text: Buffer.from('"\r\n;') }],
  ['CHECKSCRIPT ""', { name: 'CHECKSCRIPT', text: Buffer.alloc(0) }],
  ['SETACTIVE ""', { name: 'SETACTIVE', script: '' }],
  ['RENAMESCRIPT "a" "\u00fc"', { name: 'RENAMESCRIPT', script: 'a', to: '\u00fc' }],
])('%j is a command', (text, command) => {
  expect(parseCommand(Buffer.from(text))).toEqual({ is: 'command', command });
});

test.each([
  ['', 'that is no command'],
  ['GET / HTTP/1.1', 'that is no command'],
  ['UNKNOWN', 'that is no command'],
  ['CAPABILITY "x"', 'CAPABILITY takes no argument'],
  ['GETSCRIPT', 'these are not the arguments of GETSCRIPT'],
  ['GETSCRIPT 1', 'these are not the arguments of GETSCRIPT'],
  ['HAVESPACE "a" "9"', 'these are not the arguments of HAVESPACE'],
  ['GETSCRIPT "a', 'strings and numbers are expected, a space before each'],
  ['GETSCRIPT "\\a"', 'strings and numbers are expected, a space before each'],
  ['GETSCRIPT  "a"', 'strings and numbers are expected, a space before each'],
  ['GETSCRIPT "a""b"', 'strings and numbers are expected, a space before each'],
  ['GETSCRIPT {9+}\r\na', 'strings and numbers are expected, a space before each'],
])('%j is refused in words', (text, why) => {
  expect(parseCommand(Buffer.from(text))).toEqual({ is: 'bad', why });
});

test('a name that is no UTF-8 is refused', () => {
  const bytes = Buffer.from('GETSCRIPT "\xff"', 'latin1');
  expect(parseCommand(bytes)).toEqual({ is: 'bad', why: 'names are UTF-8' });
});

test('a response of SASL is a string alone', () => {
  expect(['"AGEA"', '{4+}\r\nAGEA', '"AGEA" ', 'AGEA'].map((text) => parseString(Buffer.from(text)))).toEqual(
    ['AGEA', 'AGEA', undefined, undefined],
  );
});

test.each([
  ['plain', '"plain"'],
  ['a "b" \\', '"a \\"b\\" \\\\"'],
  ['two\r\nlines \u00fc', '{13}\r\ntwo\r\nlines \u00fc'],
])('%j is written as a string of the protocol', (text, written) => {
  expect(string(text)).toBe(written);
});

const depthMax = 4;

test.each([
  ['nothing', ''],
  ['comments alone', '# one\r\n/* two\r\n * three */\r\n'],
  ['a command without arguments', 'keep;'],
  ['the example of RFC 5228', 'require ["fileinto", "envelope"];\r\nif size :over 100K { discard; }\r\n'],
  ['tests within tests', 'if anyof (not header :is "a" ["b", "c"], exists "d") { stop; } else { keep; }'],
  ['a text of many lines', 'vacation text:  # why\r\nback soon;\r\n..\r\n} " [\r\n.\r\n;'],
  ['a bracket within a string', 'fileinto "a } ; \\" b";'],
  ['blocks as deep as they may be', `${'if true {'.repeat(depthMax)}${'}'.repeat(depthMax)}`],
])('%s is a sound script', (_, script) => {
  expect(checkScript(script, depthMax)).toEqual({ is: 'sound' });
});

test.each([
  ['keep', 'line 1: ";" or a block is expected, not the end'],
  ['keep;\r\n}\r\n', 'line 2: a command is expected, not }'],
  ['if true {\r\nkeep;', 'line 2: a command is expected, not the end'],
  ['if anyof (true, false {stop;}', 'line 1: "," or ")" is expected, not {'],
  ['if anyof (true,) {}', 'line 1: a test is expected, not )'],
  ['fileinto ["a" "b"];', 'line 1: "," or "]" is expected, not "b"'],
  ['fileinto [a];', 'line 1: a string is expected, not a'],
  ['fileinto "open;\r\nkeep;', 'line 1: ";" or a block is expected, not "'],
  ['/* never closed', 'line 1: a command is expected, not /'],
  ['vacation text:\r\nno end\r\n', 'line 1: ";" or a block is expected, not :'],
  ['keep; \u00fc;', 'line 1: a command is expected, not \u00fc'],
  [`${'if true {'.repeat(depthMax + 1)}`, 'line 1: blocks and tests are 4 deep at most'],
  [`if ${'not '.repeat(depthMax + 1)}true;`, 'line 1: blocks and tests are 4 deep at most'],
])('%j is no sound script', (script, why) => {
  expect(checkScript(script, depthMax)).toEqual({ is: 'unsound', why });
});

test('a script of the largest size is checked in no time, whatever it is made of', () => {
  const pieces = ['{', '(', '"', 'a ', '/*', 'text:\r\n', '[', 'if not ', '\\'];
  for (const piece of pieces) {
    const startedAt = performance.now();
    expect(checkScript(piece.repeat(65_536 / piece.length), 32).is).toBe('unsound');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  }
});
