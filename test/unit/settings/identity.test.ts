import { expect, test } from 'vitest';
import type { Env } from '#gateway/settings/surroundings';
import { problemsOf, settingsOf } from './site.ts';

const all = 'imaps,pop3s,managesieve,submission';

test.each<[Env, string]>([
  [
    { POSTERN_SERVER_IDENTITY: 'submission:xclient,submission:proxy' },
    'POSTERN_SERVER_IDENTITY has submission:xclient and submission:proxy: 2 ways for submission; keep ' +
      'one of them',
  ],
  [
    { POSTERN_SERVER_EX1_IDENTITY: 'imap:id,pop3:proxy,managesieve:xclient,pop3:proxy-v1' },
    'POSTERN_SERVER_EX1_IDENTITY has pop3:proxy and pop3:proxy-v1: 2 ways for pop3; keep one of them',
  ],
  [
    { POSTERN_SERVER_IDENTITY: 'none,imap:id,pop3:xclient' },
    'POSTERN_SERVER_IDENTITY has none beside imap:id and pop3:xclient; leave none out, or the others',
  ],
])('%j is a problem, said once', (changes, problem) => {
  expect(problemsOf({ POSTERN_PROTOCOLS: all, ...changes })).toEqual([problem]);
});

test('one way for each protocol is none', () => {
  const { servers } = settingsOf({
    POSTERN_PROTOCOLS: all,
    POSTERN_SERVER_IDENTITY: 'submission:xclient,imap:id,pop3:proxy,managesieve:proxy-v1',
  });
  expect(servers[0]?.protocols).toMatchObject({
    imap: { identity: 'id' },
    pop3: { identity: 'proxy-v2' },
    sieve: { identity: 'proxy-v1' },
    submission: { identity: 'xclient' },
  });
});
