import { expect, test } from 'vitest';
import { stubPortsIn } from '../../../bench/subjects/direct.ts';

const line = {
  kind: 'ready',
  imap_tls: '127.0.0.1:40001',
  pop3_tls: '127.0.0.1:40002',
  submission_tls: '127.0.0.1:40003',
  imap_plain: '127.0.0.1:40004',
};

test('the ports of a stub are those of the kind that is asked for', () => {
  expect(stubPortsIn(line, 'tls')).toEqual({ imap: 40_001, pop3: 40_002, submission: 40_003 });
});

test('a stub that lacks one of its ports is an error that names it', () => {
  expect(() => stubPortsIn(line, 'plain')).toThrow('the stub names no pop3_plain');
  expect(() => stubPortsIn({ ...line, imap_rsa: 'nowhere' }, 'rsa')).toThrow('the stub names no imap_rsa');
});
