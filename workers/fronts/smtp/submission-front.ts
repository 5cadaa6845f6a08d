/** The submission front: its preamble, handoff and words in one value. */
import type { Front, HandoffTimeouts } from '../front.ts';
import { planSubmissionHandoff, submissionRefusalOf } from './handoff.ts';
import { type SubmissionSettings, openPreambles } from './preamble.ts';
import { lastWords } from './replies.ts';

/** A front for one submission frontend; it keeps no state of sessions. */
export function submissionFront(settings: SubmissionSettings & HandoffTimeouts): Front {
  return {
    begin: openPreambles(settings),
    handoff: (login, server, client) => planSubmissionHandoff(login, server, client, settings),
    refusalOf: submissionRefusalOf,
    lastWords,
    hasLiterals: false,
  };
}
