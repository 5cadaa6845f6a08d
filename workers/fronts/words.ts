/** What the engine says to a client where it ends a session by itself, for each protocol. */
import type { Protocol } from '#model/protocol';
import { imapEngineWords } from './imap/replies.ts';
import { pop3EngineWords } from './pop3/replies.ts';
import { sieveEngineWords } from './sieve/replies.ts';
import { submissionEngineWords } from './smtp/replies.ts';

/**
 * The `words` of a frontend's setup: texts with their line ends, by code of the end reason; 0 is for all
 * others.
 * Protocols without a front yet have none: the engine closes plainly.
 */
export function engineWords(protocol: Protocol): { reason: number; text: string }[] {
  switch (protocol) {
    case 'imap':
      return imapEngineWords;
    case 'pop3':
      return pop3EngineWords;
    case 'sieve':
      return sieveEngineWords;
    case 'submission':
      return submissionEngineWords;
    case 'smtp':
    case 'lmtp':
    case 'https':
      return [];
  }
}
