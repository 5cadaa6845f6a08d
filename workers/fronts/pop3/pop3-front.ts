/** The POP3 front: its preamble, handoff and words in one value. */
import type { Front, HandoffTimeouts, PreambleSettings } from '../front.ts';
import { planPop3Handoff, pop3RefusalOf } from './handoff.ts';
import { openPreambles } from './preamble.ts';
import { lastWords } from './replies.ts';

/** A front for one POP3 frontend; it keeps no state of sessions. */
export function pop3Front(settings: PreambleSettings & HandoffTimeouts): Front {
  return {
    hasLiterals: false,
    begin: openPreambles(settings),
    handoff: (login, server, client) => planPop3Handoff(login, server, client, settings),
    refusalOf: (_, serverLine) => pop3RefusalOf(serverLine),
    lastWords,
  };
}
