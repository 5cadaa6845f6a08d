import { expect, test } from 'vitest';
import { type Command, parseCommand } from '../../../bench/options.ts';

const subjects = ['direct', 'postern', 'haproxy'];
const scenarios = ['login', 'handshake', 'fetch-16k'];
const choice = { scenarios, subjects, sets: { imap: ['login', 'handshake'] } };
const usual = { rounds: 5, seconds: 2, idleSessions: 4000, heldSessions: 1000, scenarios, subjects };
const quick = { rounds: 2, seconds: 1, idleSessions: 400, heldSessions: 200, scenarios, subjects };

test.each([
  ['', usual],
  ['imap', { ...usual, scenarios: ['login', 'handshake'] }],
  ['fetch-16k', { ...usual, scenarios: ['fetch-16k'] }],
  ['fetch-16k imap login', usual],
  ['handshake login', { ...usual, scenarios: ['login', 'handshake'] }],
  ['--quick', quick],
  ['--quick --rounds 7', { ...quick, rounds: 7 }],
  ['--rounds 7 --quick login', { ...quick, rounds: 7, scenarios: ['login'] }],
  ['--rounds 50 --seconds 60 --idle 9000', { ...usual, rounds: 50, seconds: 60, idleSessions: 9000 }],
  ['--held 4000', { ...usual, heldSessions: 4000 }],
  ['--subjects postern,direct', { ...usual, subjects: ['direct', 'postern'] }],
])('%j is understood', (line, options) => {
  expect(parse(line)).toEqual({ is: 'run', options });
});

test.each<[string, string]>([
  ['pop3', 'there is no scenario pop3'],
  ['toString', 'there is no scenario toString'],
  ['--rounds 0', '--rounds cannot be 0'],
  ['--rounds 51', '--rounds cannot be 51'],
  ['--rounds 1.5', '--rounds cannot be 1.5'],
  ['--rounds', '--rounds cannot be without a value'],
  ['--seconds 61', '--seconds cannot be 61'],
  ['--idle 99', '--idle cannot be 99'],
  ['--idle 9001', '--idle cannot be 9001'],
  ['--held 9', '--held cannot be 9'],
  ['--held 4001', '--held cannot be 4001'],
  ['--subjects nginx', '--subjects cannot be nginx'],
  ['--subjects direct,direct', '--subjects cannot be direct,direct'],
  ['login --toString 1', 'there is no option --toString'],
])('%j is refused', (line, problem) => {
  expect(parse(line)).toEqual({ is: 'wrong', problem });
});

test('help and the list win over anything', () => {
  const help: Command = { is: 'help' };
  expect(parse('--help')).toEqual(help);
  expect(parse('imap --rounds 0 -h')).toEqual(help);
  expect(parse('pop3 --list')).toEqual({ is: 'list' });
});

test('an earlier result is made a page of again', () => {
  expect(parse('report bench/results/a.json')).toEqual({ is: 'report', path: 'bench/results/a.json' });
  for (const line of ['report', 'report a.json b.json'])
    expect(parse(line)).toEqual({ is: 'wrong', problem: 'report wants the path of one results file' });
});

function parse(line: string): Command {
  return parseCommand(
    line.split(' ').filter((word) => word !== ''),
    choice,
  );
}
