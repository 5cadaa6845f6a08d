/** The ManageSieve front: its preamble, handoff and words in one value. */
import type { Front, HandoffTimeouts, PreambleSettings } from '../front.ts';
import { planSieveHandoff, sieveRefusalOf } from './handoff.ts';
import { openPreambles } from './preamble.ts';
import { lastWords } from './replies.ts';

/** A front for one ManageSieve frontend; it keeps no state of sessions. */
export function sieveFront(settings: PreambleSettings & HandoffTimeouts): Front {
  return {
    hasLiterals: true,
    begin: openPreambles(settings),
    handoff: (login, server, client) => planSieveHandoff(login, server, client, settings),
    refusalOf: (_, serverLine) => sieveRefusalOf(serverLine),
    lastWords,
  };
}
