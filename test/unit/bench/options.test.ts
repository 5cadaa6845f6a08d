import { expect, test } from 'vitest';
import { parseCommand, type Command } from '../../../bench/options.ts';

const all = ['direct', 'haproxy', 'postern'];
const usual = { rounds: 5, seconds: 3, idleSessions: 4000, subjects: all };
const quick = { rounds: 2, seconds: 1, idleSessions: 400, subjects: all };

test.each([
  ['imap', usual],
  ['imap --quick', quick],
  ['imap --quick --rounds 7', { ...quick, rounds: 7 }],
  ['imap --rounds 7 --quick', { ...quick, rounds: 7 }],
  ['imap --rounds 50 --seconds 60 --idle 9000', { ...usual, rounds: 50, seconds: 60, idleSessions: 9000 }],
  ['imap --subjects postern,direct', { ...usual, subjects: ['direct', 'postern'] }],
])('%s is understood', (line, options) => {
  expect(parseCommand(line.split(' '))).toEqual({ is: 'imap', options });
});

test.each<[string, string]>([
  ['', 'there is no bench '],
  ['pop3', 'there is no bench pop3'],
  ['imap --rounds 0', '--rounds cannot be 0'],
  ['imap --rounds 51', '--rounds cannot be 51'],
  ['imap --rounds 1.5', '--rounds cannot be 1.5'],
  ['imap --rounds', '--rounds cannot be without a value'],
  ['imap --seconds 61', '--seconds cannot be 61'],
  ['imap --idle 99', '--idle cannot be 99'],
  ['imap --idle 9001', '--idle cannot be 9001'],
  ['imap --subjects nginx', '--subjects cannot be nginx'],
  ['imap --subjects direct,direct', '--subjects cannot be direct,direct'],
  ['imap toString 1', 'there is no option toString'],
])('%j is refused', (line, problem) => {
  expect(parseCommand(line.split(' '))).toEqual({ is: 'wrong', problem });
});

test('help wins over anything', () => {
  const help: Command = { is: 'help' };
  expect(parseCommand(['--help'])).toEqual(help);
  expect(parseCommand(['imap', '--rounds', '0', '-h'])).toEqual(help);
  expect(parseCommand([])).toEqual({ is: 'wrong', problem: 'which bench?' });
});
