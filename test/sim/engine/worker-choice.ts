/**
 * The worker for a client: bounded rendezvous hashing as native/crates/route/src/worker_hash.rs does it, with
 * another hash.
 */
import { hashText } from '../random.ts';
import type { Place } from './parts.ts';

/** The same address gets the same worker while that has room; undefined where no worker is there. */
export function placeFor(places: readonly Place[], address: string): Place | undefined {
  const present = places.filter(({ wake, isSuspended }) => wake !== undefined && !isSuspended);
  const total = present.reduce((sum, { sessions }) => sum + sessions, 0);
  const room = Math.ceil((5 * (total + 1)) / (4 * present.length));
  const scored = present
    .filter(({ sessions }) => sessions < room)
    .map((place) => ({ place, score: hashText(`${address} ${place.index}`) }));
  return scored.sort((one, other) => other.score - one.score)[0]?.place;
}
