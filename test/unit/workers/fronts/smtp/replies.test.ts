import { expect, test } from 'vitest';
import { endReasons, type EndReason } from '#model/end-reason';
import { lastWords, replies, replyTo, submissionEngineWords } from '#workers/fronts/smtp/replies';

const texts = Object.values(replies).map((reply) => {
  if (typeof reply === 'string') return reply;
  return (reply as (name: string, more: string[]) => string)('name', []);
});
const reasons = Object.keys(endReasons) as EndReason[];

/** RFC 2034 section 4: not in the greeting, nor in an answer to HELO or EHLO, nor in a 3xx. */
test.each([
  ...texts,
  ...reasons.map(lastWords),
  ...Object.values(submissionEngineWords).map(({ text }) => text),
])('RFC 3463: %j has whole lines, and an enhanced code of the class of its reply', (text) => {
  expect(text === '' || text.endsWith('\r\n')).toBe(true);
  for (const line of text.split('\r\n').filter((each) => each !== '')) {
    expect(line).toMatch(/^(?:220 name |250 name$|334 |([245])\d\d \1\.\d\.\d{1,2} [\x21-\x7e])/);
  }
});

test('every code that a library may give has a reply with its enhanced code', () => {
  for (const verb of ['NOOP', 'EHLO', 'XCLIENT', 'NOSUCH', '']) {
    for (let code = 200; code < 600; code++) {
      if (code >= 300 && code < 400) continue;
      const reply = replyTo(verb, code);
      expect(reply).toMatch(/^([245])\d\d \1\.\d\.\d{1,2} [\x20-\x7e]+\r\n$/);
    }
  }
});

test.each<[string, number, string]>([
  ['NOSUCH', 500, '500 5.5.2 Command not recognized\r\n'],
  ['XCLIENT', 500, '502 5.5.1 Command not implemented\r\n'],
  ['STARTTLS', 503, '503 5.5.1 TLS is active already\r\n'],
  ['MAIL', 503, '503 5.5.1 Send EHLO first\r\n'],
  ['MAIL', 530, '530 5.7.0 Authentication required\r\n'],
  ['VRFY', 252, '252 2.0.0 Send some mail, and it will be tried\r\n'],
])('%s judged with %i is answered %j', (verb, code, reply) => {
  expect(replyTo(verb, code)).toBe(reply);
});

test('a temporary failure is never a 5xx, which mail programs take for a wrong password', () => {
  for (const reason of reasons.filter((each) => endReasons[each].fault === 'server')) {
    expect(lastWords(reason), reason).toMatch(/^(?:421 4\.|$)/);
  }
});
