/** Which copy becomes active when the server that had it is gone. Pure; active-manager.ts acts on it. */
import type { CopyReport } from './server-messages.ts';

export interface Candidate {
  readonly server: string;
  /** `frozen`: not answering, but its memory may come back. `dead`: the memory is gone with the process. */
  readonly state: 'live' | 'frozen' | 'dead';
  /** Its last word on this copy; undefined before the first. */
  readonly report: CopyReport | undefined;
}

export type Choice =
  | { readonly is: 'copy'; readonly server: string }
  /** Who has the newest copy does not answer now, but may again: to open an older one would lose mail. */
  | { readonly is: 'wait' }
  /** Nobody has anything: the database starts anew, on this server. */
  | { readonly is: 'new'; readonly server: string };

/** `epoch`: the database's own. `candidates` in the order of preference. */
export function bestCopy(epoch: number, candidates: readonly Candidate[]): Choice {
  const live = candidates.filter(({ state }) => state === 'live');
  const whole = live.filter(({ report }) => report?.isWhole === true).sort(byPosition);
  const [best] = whole;
  if (best?.report?.position.epoch === epoch) return { is: 'copy', server: best.server };
  const mayHaveNewer = candidates.some(({ state, report }) => state === 'frozen' && report?.isWhole === true);
  if (mayHaveNewer) return { is: 'wait' };
  if (best !== undefined) return { is: 'copy', server: best.server };
  // A live server that has not spoken yet may hold a copy.
  if (live.length === 0 || live.some(({ report }) => report === undefined)) return { is: 'wait' };
  return { is: 'new', server: live[0]?.server ?? '' };
}

/** The newest first. The sort is stable, so preference decides between equals. */
function byPosition({ report: one }: Candidate, { report: other }: Candidate): number {
  const [a, b] = [one?.position, other?.position];
  return (b?.epoch ?? 0) - (a?.epoch ?? 0) || (b?.seq ?? 0) - (a?.seq ?? 0);
}
