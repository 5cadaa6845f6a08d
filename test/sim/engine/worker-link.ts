/** What a worker may call of the fake engine, from `join` until it leaves or its thread ends. */
import { type EngineLink, events, noDatabase, ops, recordWords } from '#workers/engine-link';
import type { EngineCore } from './core.ts';
import type { Place } from './parts.ts';

/** The place is the worker's from now on; `wake` is called on its thread, a moment later. */
export function joinPlace(core: EngineCore, place: Place, wake: () => void): EngineLink {
  const { scheduler, pace, random } = core.parts;
  const before = place.turn;
  place.turns++;
  place.turn = place.turns;
  place.queue.restart();
  place.held.clear();
  place.isSuspended = false;
  place.wake = () => scheduler.after(pace.wakeMs * random.next(), wake);
  if (before > 0) core.workerGone(place, before);
  core.workerHasRoom(place);
  return linkOf(core, place, place.turn);
}

function linkOf(core: EngineCore, place: Place, turn: number): EngineLink {
  let hasLeft = false;
  return {
    drain(heads, bytes) {
      if (hasLeft || place.turn !== turn) return 0;
      const { count, hasMore, madeRoom } = place.queue.drain(heads, bytes);
      if (madeRoom) core.workerHasRoom(place);
      noteHeld(place, heads, count);
      return hasMore ? -count - 1 : count;
    },
    submit(heads, count, bytes) {
      if (!hasLeft && !core.isStopped) submit(core, place, { heads, count, bytes });
    },
    lookup(key, out) {
      const { low, high, database } = core.lookup(key);
      out.set([low, high, database < 0 ? noDatabase : database]);
      return database >= 0;
    },
    pinOf: (low, high) => core.pins.serverOf(`${low}/${high}`),
    hashServer: (low) => core.hashServer(low),
    leave() {
      if (hasLeft) return;
      hasLeft = true;
      if (place.turn !== turn) return;
      place.wake = undefined;
      place.turn = 0;
      core.workerGone(place, turn);
    },
  };
}

function noteHeld({ held }: Place, heads: Uint32Array, count: number): void {
  for (let head = 0; head < count * recordWords; head += recordWords) {
    const id = idOf(heads[head + 1], heads[head + 2]);
    if (heads[head] === events.opened) held.add(id);
    if (heads[head] === events.spliced || heads[head] === events.closed) held.delete(id);
  }
}

interface Batch {
  readonly heads: Uint32Array;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Each command to its session's IO thread; one message a thread. */
function submit(core: EngineCore, place: Place, { heads, count, bytes }: Batch): void {
  const { witness } = core.parts;
  const byThread = new Map<number, (() => void)[]>();
  let at = 0;
  for (let head = 0; head < count * recordWords; head += recordWords) {
    const [op = 0, low, high, argument = 0, length = 0] = heads.subarray(head, head + recordWords);
    const id = idOf(low, high);
    const payload = Uint8Array.from(bytes.subarray(at, at + length));
    at += length;
    const text = length === 0 ? '' : Buffer.from(payload.buffer).toString('latin1');
    witness.tell({ is: 'command', worker: place.index, id, op, argument, text });
    if (op === ops.end) place.held.delete(id);
    const thread = Math.floor(id / 2 ** 48);
    const messages = byThread.get(thread) ?? [];
    byThread.set(thread, messages);
    messages.push(() => sessionOf(core, thread, id)?.obey({ op, argument, text, bytes: payload }));
  }
  for (const [thread, messages] of byThread) {
    const told = core.threads[thread];
    if (told !== undefined) core.tell(told, () => messages.forEach((run) => run()));
  }
}

/** The session may have ended, or its slot may be another's by now: then nobody is told. */
function sessionOf(core: EngineCore, thread: number, id: number) {
  const slots = core.threads[thread]?.slots;
  return core.parts.rules.checksTurns ? slots?.find(id) : slots?.findSlot(id);
}

function idOf(low = 0, high = 0): number {
  return high * 2 ** 32 + low;
}
