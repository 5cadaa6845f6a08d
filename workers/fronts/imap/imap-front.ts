/** The IMAP front: its preamble, handoff and words in one value. */
import type { Front, HandoffTimeouts, PreambleSettings } from '../front.ts';
import { imapRefusalOf, planImapHandoff } from './handoff.ts';
import { openPreambles } from './preamble.ts';
import { lastWords } from './replies.ts';

/** A front for one IMAP frontend; it keeps no state of sessions. */
export function imapFront(settings: PreambleSettings & HandoffTimeouts): Front {
  return {
    hasLiterals: true,
    begin: openPreambles(settings),
    handoff: (login, server, client) => planImapHandoff(login, server, client, settings),
    refusalOf: imapRefusalOf,
    lastWords,
  };
}
